/** The machine as host code sees it: read-only. `src/app/host-port.ts` is the one we run on, tests give others. */
export interface HostPort {
  /**
   * The beginning of a text file, at most `maxOctets` of it.
   * @returns null when there is no such file, or it may not be read
   */
  readText(path: string, maxOctets: number): Promise<string | null>
  /** What the kernel calls itself, as `uname -r`: "6.1.0-32-amd64". */
  release(): string
  /** As `process.platform`: "linux", "darwin", "win32". */
  platform(): string
  /** In which order /proc/net/tcp writes the octets of an address. */
  endianness(): 'BE' | 'LE'
}
