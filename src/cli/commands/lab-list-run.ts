import { labListText } from '../../report/lab-text.ts'
import { jsonText } from '../../report/printable.ts'
import type { Io } from '../io.ts'
import type { App, Arguments } from '../spec.ts'

/** `tcpwhy lab list`. */
export async function run({ options }: Arguments, io: Io, app: App): Promise<number> {
  const { labScenarios } = await app.lab()
  const scenarios = labScenarios()
  const color = !options['no-color'] && !io.env['NO_COLOR'] && (await io.out.isTerminal())
  if (!options['json']) await io.out.write(labListText(scenarios, { color }))
  else {
    const told = scenarios.map(({ id, title, kind, packages, variants }) => ({
      id,
      title,
      kind,
      packages,
      variants,
    }))
    await io.out.write(`${jsonText(told, 2)}\n`)
  }
  return 0
}
