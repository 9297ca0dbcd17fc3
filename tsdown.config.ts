import { defineConfig } from 'tsdown'

// The CLI and the library are two entries; the CLI loads its commands lazily so that a short answer starts fast.
export default defineConfig({
  entry: { index: 'src/index.ts', cli: 'src/cli/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: { entry: 'src/index.ts' },
  clean: true,
  fixedExtension: false,
})
