import { defineConfig, type UserConfig } from 'tsdown'

const common: UserConfig = {
  platform: 'node',
  target: 'node20',
  fixedExtension: false,
  inputOptions: { optimization: { inlineConst: { mode: 'all', pass: 3 } } },
  // Half of the octets, so half of the time to parse them; names stay, for stacks that can be read.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
}

export default defineConfig([
  // The library, with its types.
  { ...common, entry: { index: 'src/index.ts' }, format: 'esm', dts: true, clean: true },
  // The command: one script, because V8 can keep the compiled form of a script (scripts/code-cache.mjs), and finding, reading and
  // linking each module takes Node 1-2 ms.
  {
    ...common,
    entry: { cli: 'src/cli/main.ts' },
    format: 'cjs',
    dts: false,
    clean: false,
    shims: true,
    // Else it would be loaded at every start; inside, it waits until help or an odd option asks for it.
    deps: { alwaysBundle: ['commander'] },
    // Node 20.19 and newer can require() ES modules.
    outputOptions: { codeSplitting: false, dynamicImportInCjs: false },
  },
])
