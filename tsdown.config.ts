import { relative } from 'node:path'
import { defineConfig, type UserConfig } from 'tsdown'

const common: UserConfig = {
  platform: 'node',
  target: 'node20',
  fixedExtension: false,
  inputOptions: { optimization: { inlineConst: { mode: 'all', pass: 3 } } },
  // Half of the octets, so half of the time to parse them; names stay, for stacks that can be read.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
}

/**
 * What looks at a host, probes, or makes incidents: not in the script that every start reads. What no capture needs and is not listed
 * here only makes that script longer; what is listed imports the first script's modules at the top of the file: an import() of one would
 * get that script itself; what is listed and a capture needs after all makes every start read both (test/package.test.ts).
 */
const OF_HOST = new RegExp(
  `^src/(?:${[
    '(host|probe|lab|report/probe|app/(bundle|capture|kernel|probe))/.*',
    'app/(diagnose-host|kernel-events|lab|lab-[a-z]+|node-host|observe|packets-beside|queue|snapshot-ask|trace-files|trace-instance)[.]ts',
    'cli/(capture-arguments|lab-view|probe-io|process-id)[.]ts',
    'cli/commands/(capture|diagnose|lab|lab-list|lab-score|probe-[a-z]+|queue|snapshot)-run[.]ts',
    'report/(lab-score-text|lab-text|queue-text)[.]ts',
  ].join('|')})$`,
)
const ofHost = (id: string) => OF_HOST.test(relative(import.meta.dirname, id))

/**
 * commander needs node:child_process only for subcommands that are programs of their own, of which there are none here; with all that it
 * loads it is 5 ms of every start.
 */
const waitsForChildren = {
  name: 'commander-waits-for-child-process',
  transform(code: string, id: string) {
    if (!id.endsWith('commander/lib/command.js')) return null
    const whole = "const childProcess = require('node:child_process');"
    if (!code.includes(whole)) throw new Error('commander loads node:child_process in another way')
    const late = "{ spawn: (...of) => require('node:child_process').spawn(...of) }"
    return { code: code.replace(whole, `const childProcess = ${late};`), map: null }
  },
}

export default defineConfig([
  // The library, with its types.
  { ...common, entry: { index: 'src/index.ts' }, format: 'esm', dts: true, clean: true },
  // The command: one script for captures, because V8 can keep the compiled form of a script (scripts/code-cache.mjs), and finding,
  // reading and linking each module takes Node 1-2 ms; and a second, cli-host.cjs, which the other commands load.
  {
    ...common,
    // The second script takes from the first what both need.
    inputOptions: { ...common.inputOptions, preserveEntrySignatures: 'allow-extension' },
    entry: { cli: 'src/cli/main.ts' },
    plugins: [waitsForChildren],
    format: 'cjs',
    dts: false,
    clean: false,
    shims: true,
    // Else it would be loaded at every start; inside, it waits until help or an odd option asks for it.
    deps: { alwaysBundle: ['commander'] },
    // Node 20.19 and newer can require() ES modules.
    outputOptions: {
      dynamicImportInCjs: false,
      chunkFileNames: '[name].cjs',
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [
          { name: 'cli-host', test: ofHost, priority: 2 },
          { name: 'cli', test: () => true, priority: 1 },
        ],
      },
    },
  },
])
