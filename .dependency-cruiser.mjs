// Who may import whom. `npm run layers` checks it; docs/architecture.md says why. One line a folder, most basic first.

/**
 * `may`: folders it may import; `types`: only their types; `packages`: npm packages and node: modules;
 * null = any of them. `promise` is the sentence for whoever breaks the rule.
 */
export const layers = {
  base: {
    may: [],
    types: [],
    packages: [],
    promise:
      'base knows no protocol story: it imports nothing of ours, so that everything can stand on it.',
  },
  capture: {
    may: ['base'],
    types: [],
    packages: ['node:zlib', 'fzstd', 'lz4js'],
    promise:
      'capture turns octets into records. Bytes come from a ByteSource handed in (app opens files); it knows no packet.',
  },
  packet: {
    may: ['base'],
    types: [],
    packages: [],
    promise: 'packet turns one record into header fields. It knows neither files nor connections.',
  },
  flow: {
    may: ['base', 'packet'],
    types: [],
    packages: [],
    promise: 'flow says what was seen of a connection, never why. Reasons belong in causes/.',
  },
  host: {
    may: ['base'],
    types: [],
    packages: [],
    promise:
      'host reads the live kernel (or a bundle of one) through a HostPort handed in, and changes nothing.',
  },
  application: {
    may: ['base'],
    types: ['flow', 'evidence'],
    packages: [],
    promise:
      'application reads what programs say (HTTP, MySQL, TLS) out of octets handed in, and concludes nothing.',
  },
  evidence: {
    may: ['base'],
    types: ['capture', 'packet', 'flow', 'host', 'application'],
    packages: [],
    promise: 'evidence is the only vocabulary causes know: types of facts, no work of its own.',
  },
  messages: {
    may: [],
    types: ['causes'],
    packages: [],
    promise:
      'messages are words apart from logic: another language is one object of the same shape. No logic here.',
  },
  causes: {
    may: ['base', 'evidence'],
    types: ['messages'],
    packages: [],
    promise:
      'A cause judges facts (evidence/), never packets, files or other layers. What it misses belongs into the facts.',
  },
  diagnose: {
    may: ['base', 'evidence', 'causes', 'messages'],
    types: [],
    packages: [],
    promise:
      'diagnose settles and ranks what causes claim; it knows no cause by name and no source of facts.',
  },
  probe: {
    may: ['base', 'packet', 'host', 'messages'],
    types: [],
    packages: [],
    promise:
      'probe experiments through a ProbePort handed in: sockets, clock and chance are app/. It says what it will send before it does, and is bounded.',
  },
  report: {
    may: ['base', 'messages'],
    types: ['host', 'probe', 'evidence', 'causes', 'diagnose', 'lab'],
    // The one value of evidence/ that it needs is the list of endings, in the order of the vocabulary.
    values: ['src/evidence/endings.ts'],
    packages: ['hyparquet-writer'],
    promise: 'report turns a finished report into a string; what to say was decided in diagnose/.',
  },
  lab: {
    may: ['base', 'capture', 'host'],
    types: ['causes', 'probe'],
    packages: null,
    promise:
      'lab makes incidents happen on this machine and undoes everything; what they mean is for app and causes to say.',
  },
  app: {
    may: [
      'base',
      'capture',
      'packet',
      'flow',
      'host',
      'application',
      'evidence',
      'causes',
      'diagnose',
      'lab',
      'messages',
      'probe',
    ],
    types: [],
    packages: null,
    promise:
      'app wires the layers and opens files. It gives a report; how it looks is for cli and report/.',
  },
  cli: {
    may: ['base', 'messages', 'app', 'report'],
    types: ['host', 'evidence', 'causes', 'diagnose', 'probe', 'lab'],
    packages: null,
    promise:
      'cli goes from argv to app to report to the exit code. Work that a library user needs too belongs in app/.',
  },
}

/** No `node:` modules, no `process`, clock, randomness or console: test/gates/purity.test.ts looks for the globals. */
export const pureFolders = Object.keys(layers).filter((folder) => layers[folder].packages !== null)

const TEST = '\\.test\\.ts$'
const folders = (names) => `^src/(${names.join('|')})/`

function rulesOf([folder, { may, types, packages, values = [], promise }]) {
  const from = { path: folders([folder]), pathNot: TEST }
  const onlyTypes = types.length === 0 ? '' : `; types only: ${types.join(', ')}`
  const comment = `${promise} It may import: ${may.join(', ') || 'nothing of ours'}${onlyTypes}.`
  const rules = [
    {
      name: `${folder}-imports`,
      severity: 'error',
      comment,
      from,
      to: { path: '^src/', pathNot: folders([folder, ...may, ...types]) },
    },
  ]
  if (types.length > 0) {
    rules.push({
      name: `${folder}-types-only`,
      severity: 'error',
      comment,
      from,
      to: {
        path: folders(types),
        ...(values.length > 0 ? { pathNot: `^(${values.join('|')})$` } : {}),
        dependencyTypesNot: ['type-only'],
      },
    })
  }
  if (packages !== null) {
    rules.push({
      name: `${folder}-pure`,
      severity: 'error',
      comment: `${promise} It is pure: time, randomness and the machine come in as arguments. From outside it may import: ${packages.join(', ') || 'nothing'}.`,
      from,
      to: { pathNot: ['^src/', ...packages.map(packagePath)] },
    })
  }
  return rules
}

/** node:zlib resolves to "zlib", a package to node_modules/NAME/... */
function packagePath(name) {
  return name.startsWith('node:') ? `^(node:)?${name.slice(5)}$` : `(^|/)node_modules/${name}/`
}

export default {
  forbidden: [
    ...Object.entries(layers).flatMap(rulesOf),
    {
      name: 'no-cycles',
      severity: 'error',
      comment:
        'Files that import each other in a circle cannot be understood, or moved, one at a time.',
      from: { path: '^src/' },
      // A type is gone at run time, and import() waits until both files are there.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'folder-in-the-table',
      severity: 'error',
      comment:
        'A folder that nobody has put into the table of layers has no place yet: add a line to it.',
      from: { path: '^src/[^/]+/', pathNot: folders(Object.keys(layers)) },
      to: {},
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      comment: 'What ships must not need what tests it.',
      from: { path: '^src/', pathNot: TEST },
      to: { path: ['^test/', '^scripts/', '^bench/', TEST] },
    },
    {
      name: 'not-to-the-library-entry',
      severity: 'error',
      comment: 'src/index.ts is for those outside; inside, import the file that has the thing.',
      from: { path: '^src/' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      comment: 'Whoever installs tcpwhy gets its dependencies, not its devDependencies.',
      from: { path: '^src/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'This import leads nowhere.',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'default', 'types'],
    },
  },
}
