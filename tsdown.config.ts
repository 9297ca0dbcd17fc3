import { defineConfig } from 'tsdown'

// What an everyday `tcpwhy FILE` never needs stays in files of its own, loaded when asked for.
const LAZY =
  /\/src\/(report\/(explain|export)\/|cli\/(did-you-mean|export|grammar|progress)\.ts|cli\/commands\/explain-run\.ts)/
// Entries run or re-export; they must not be part of what both share.
const ENTRY = /\/src\/(index|cli\/main)\.ts$/
// The declarations of index.ts are bundled beside the code and need no file to share.
const TYPES = /\.d\.ts$/

export default defineConfig({
  entry: { index: 'src/index.ts', cli: 'src/cli/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: { entry: 'src/index.ts' },
  clean: true,
  fixedExtension: false,
  // Half of the octets, so half of the time to parse them; names stay, for stacks that can be read.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  outputOptions: {
    codeSplitting: {
      // All the rest is one file: Node takes 1-2 ms to find, read and link each module.
      groups: [
        {
          name: 'core',
          test: (id: string) =>
            /\/src\//.test(id) && !LAZY.test(id) && !ENTRY.test(id) && !TYPES.test(id),
        },
      ],
    },
  },
})
