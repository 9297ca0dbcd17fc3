import { accessSync, constants, existsSync } from 'node:fs'
import { release } from 'node:os'
import { delimiter } from 'node:path'
import { cannot } from './stage/wait.ts'
import type { DebianPackage, Scenario, Variant } from './types.ts'

/** Programs of the stage itself, and the Debian package of each. */
const TOOLS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  ss: 'iproute2',
  nsenter: 'util-linux',
  prlimit: 'util-linux',
  nft: 'nftables',
  ethtool: 'ethtool',
  sysctl: 'procps',
  tcpdump: 'tcpdump',
  python3: 'python3',
  sleep: 'coreutils',
}

/** How a package is known to be there: a program, or a file. */
const PACKAGES: Readonly<Record<DebianPackage, string>> = {
  conntrack: 'conntrack',
  'golang-go': 'go',
  'golang-github-go-sql-driver-mysql-dev': '/usr/share/gocode/src/github.com/go-sql-driver/mysql',
  'golang-github-lib-pq-dev': '/usr/share/gocode/src/github.com/lib/pq',
  haproxy: 'haproxy',
  'libhikaricp-java': '/usr/share/java/HikariCP.jar',
  'libmariadb-java': '/usr/share/java/mariadb-java-client.jar',
  'mariadb-server': 'mariadbd',
  'nginx-light': 'nginx',
  'openjdk-17-jdk-headless': 'javac',
  postgresql: '/usr/lib/postgresql',
}

export interface Machine {
  platform: string
  isRoot: boolean
  has: (programOrPath: string) => boolean
}

export function thisMachine(): Machine {
  return { platform: process.platform, isRoot: process.getuid?.() === 0, has }
}

const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin']

function has(programOrPath: string): boolean {
  if (programOrPath.startsWith('/')) return existsSync(programOrPath)
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS]
  return folders.some((folder) => isExecutable(`${folder}/${programOrPath}`))
}

/** `su` leaves a user's PATH, without /usr/sbin where most of these programs are: what `has` finds, the stage finds too. */
export function useSystemFolders(env: NodeJS.ProcessEnv = process.env): void {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  env['PATH'] = [...new Set([...folders, ...SYSTEM_FOLDERS])].join(delimiter)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Debian packages that are missing, for the stage and for this story. */
export function missingPackages(machine: Machine, scenario: Scenario, variant: Variant): string[] {
  const tools = Object.entries(TOOLS).flatMap(([tool, name]) => (machine.has(tool) ? [] : [name]))
  const wanted = [...scenario.packages, ...(variant.packages ?? [])]
  const packages = wanted.filter((name) => !machine.has(PACKAGES[name]))
  return [...new Set([...tools, ...packages])].sort()
}

/** @throws TcpwhyError LAB_CANNOT_RUN: no Linux, no root, one line of apt-get, or a setting of the machine that may not be touched */
export function checkMachine(
  machine: Machine,
  scenario: Scenario,
  variant: Variant,
  { touchHost }: { touchHost: boolean },
): void {
  if (machine.platform !== 'linux') {
    throw cannot(
      `The lab is made of Linux network namespaces; this is ${machine.platform}`,
      'Run it on a Linux machine or in a virtual one.',
    )
  }
  if (!machine.isRoot)
    throw cannot('The lab makes network namespaces, which needs root', 'Run it again with sudo.')
  const missing = missingPackages(machine, scenario, variant)
  if (missing.length > 0) {
    throw cannot(
      `${scenario.id} needs programs that are not installed: ${missing.join(', ')}`,
      installLine(missing),
    )
  }
  const { touches } = variant
  if (touches !== undefined && !touchHost) {
    throw cannot(
      `${scenario.id} changes ${touches} for a moment, which exists once for the whole machine`,
      'Add --touch-host where that hurts nobody: it is put back at the end, or by the next run.',
    )
  }
  if (!machine.has('/proc/self/ns/net')) {
    throw cannot(
      `This kernel (${release()}) has no network namespaces`,
      'Use one with CONFIG_NET_NS=y; every distribution has it.',
    )
  }
}

/** Debian would start the servers that it installs; the lab starts its own. */
export function installLine(packages: readonly string[]): string {
  return `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`
}
