/** What a kernel calls itself: "6.1.0-32-amd64", "4.3", "6.13-rc7". */
export interface KernelVersion {
  /** [major, minor, patch]; the patch is null where it is not told ("6.1"). 2.6.x.y: [2, 6, x], whose y matters to nobody here. */
  numbers: readonly [number, number, number | null]
  /** From kernel.org and nothing added: only then what the series lacks, the kernel lacks. */
  plain: boolean
  /** A release candidate: something between two releases. */
  candidate: boolean
}

const RELEASE = /^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?(?:\.\d{1,4})?(.*)$/

/** @returns null when it does not begin with a version. */
export function parseKernelVersion(release: string): KernelVersion | null {
  const match = RELEASE.exec(release.trim())
  if (match === null) return null
  const [, major, minor, patch, rest = ''] = match
  return {
    numbers: [Number(major), Number(minor), patch === undefined ? null : Number(patch)],
    plain: /^(-rc\d+)?\+?$/.test(rest),
    candidate: /^-rc\d+/.test(rest),
  }
}

/** Whether it is this version or a later one; a patch that is not told counts as 0. */
export function atLeast(
  { numbers }: KernelVersion,
  [major, minor, patch = 0]: readonly [number, number, number?],
): boolean {
  if (numbers[0] !== major) return numbers[0] > major
  if (numbers[1] !== minor) return numbers[1] > minor
  return (numbers[2] ?? 0) >= patch
}
