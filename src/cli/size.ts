import { TcpwhyError } from '../base/errors.ts'

const UNITS = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const

/** "50m", "500k", "1g", or octets, in octets. @throws TcpwhyError BAD_ARGUMENT also where it is not in [min, max] */
export function parseSize(
  option: string,
  text: string,
  { min, max }: { min: number; max: number },
): number {
  const [, digits, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text) ?? []
  const size = Math.floor(Number(digits) * UNITS[unit.toLowerCase() as keyof typeof UNITS])
  if (size >= min && size <= max) return size
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `${option} ${text} is not a size that it takes`,
    `Write 500k, 50m or 1g; from ${shown(min)} to ${shown(max)}.`,
  )
}

function shown(size: number): string {
  if (size >= UNITS.g) return `${Math.floor(size / UNITS.g)}g`
  return size >= UNITS.m ? `${Math.floor(size / UNITS.m)}m` : `${Math.floor(size / UNITS.k)}k`
}
