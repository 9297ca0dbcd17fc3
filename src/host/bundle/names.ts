/** "look-1/host/proc/loadavg": no way out of the folder, and nothing that a file system reads otherwise. */
export function isPlainName(name: string): boolean {
  if (name.length > MAX_NAME || !PLAIN.test(name)) return false
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

const MAX_NAME = 400
const PLAIN = /^[\w.:@+=,~/ #-]+$/
