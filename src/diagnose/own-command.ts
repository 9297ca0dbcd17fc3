import { kindOfAddress } from '../base/address-kind.ts'

const PROBE = /^(?:sudo )?tcpwhy probe /
const FLAG = '--yes-i-own-this'
/** Addresses as endpoints are written: 203.0.113.9:80, [2001:db8::1]:443. */
const ENDPOINT = /(?:^|[\s/=])(?:\[([0-9a-f:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):\d{1,5}\b/i

/**
 * An experiment to a public address is refused without that flag, so the command as printed has it. Who copies it reads what he says
 * by it.
 */
export function ownCommand(command: string): string {
  if (!PROBE.test(command) || command.includes(FLAG)) return command
  const [, v6, v4] = ENDPOINT.exec(command) ?? []
  const address = v6 ?? v4
  if (address === undefined || kindOfAddress(address) !== 'public') return command
  return `${command} ${FLAG}`
}
