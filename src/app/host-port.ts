import { type FileHandle, open } from 'node:fs/promises'
import { endianness, release } from 'node:os'
import type { HostPort } from '../host/host-port.ts'

/** The machine that this process runs on. */
export function nodeHostPort(): HostPort {
  return { readText, release, platform: () => process.platform, endianness }
}

async function readText(path: string, maxOctets: number): Promise<string | null> {
  try {
    const file = await open(path)
    try {
      return await readSome(file, maxOctets)
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}

const BLOCK = 1 << 16

/** Until the end or the limit: files in /proc have no size, and give what they have in pieces. */
async function readSome(file: FileHandle, maxOctets: number): Promise<string> {
  const decoder = new TextDecoder()
  const block = new Uint8Array(BLOCK)
  let text = ''
  let octets = 0
  while (octets < maxOctets) {
    const { bytesRead } = await file.read(block, 0, Math.min(BLOCK, maxOctets - octets), null)
    if (bytesRead === 0) break
    octets += bytesRead
    text += decoder.decode(block.subarray(0, bytesRead), { stream: true })
  }
  return text
}
