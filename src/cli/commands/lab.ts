import type { CommandSpec, OptionSpec } from '../spec.ts'

const json = (schema: string): OptionSpec => ({
  name: 'json',
  help: `Print the result as JSON (schema ${schema}).`,
})
const noColor = { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' }

export const labList = {
  name: 'lab list',
  summary: 'List the incidents that tcpwhy can reproduce, with their variants and causes.',
  options: [{ name: 'json', help: 'Print the list as JSON.' }, noColor],
  examples: [
    { command: 'tcpwhy lab list', what: 'every scenario, its variants and the cause of each' },
  ],
  load: () => import('./lab-list-run.ts'),
} as const satisfies CommandSpec

export const labRun = {
  name: 'lab run',
  summary: 'Reproduce an incident on this machine, diagnose it blind, prove the fix.',
  operands: { name: 'ID', help: 'a scenario of tcpwhy lab list' },
  options: [
    {
      name: 'variant',
      value: 'V',
      help: 'Which variant of the scenario; without it the first one.',
    },
    { name: 'fix', help: 'Then the same with the fix: the symptom must be gone.' },
    { name: 'keep', value: 'DIR', help: 'Leave captures, samples, logs and the report there.' },
    {
      name: 'touch-host',
      help: 'Allow settings that exist once for the machine to be changed and put back.',
    },
    json('tcpwhy.lab/1'),
    { name: 'quiet', short: 'q', help: 'No live view on the terminal.' },
    noColor,
  ],
  examples: [
    {
      command: 'sudo tcpwhy lab run listen-backlog --fix',
      what: 'an accept queue overflows; then it does not',
    },
    {
      command: 'sudo tcpwhy lab run listen-backlog --variant abort-on-overflow --keep out',
      what: 'the same as resets; captures and logs are left in out/',
    },
  ],
  notes: `Everything is made of network namespaces, temporary files and processes of its own, and undone at
the end, at Ctrl-C, or by the next run. Exit code: 0 reproduced, the expected cause first and (with
--fix) the symptom gone; 1 one of these is false; 2 it cannot run here.`,
  load: () => import('./lab-run.ts'),
} as const satisfies CommandSpec

export const labScore = {
  name: 'lab score',
  summary: 'Play all scenarios, diagnose each blind, and say how often that was right.',
  operands: { name: 'ID', help: 'only these: a scenario, or SCENARIO/VARIANT' },
  options: [
    { name: 'runs', value: 'N', help: 'Play each so often (default 1).' },
    {
      name: 'keep',
      value: 'DIR',
      help: 'Keep what each story gave there; what is there already is not played again.',
    },
    {
      name: 'aggregate',
      value: 'DIR',
      repeat: true,
      help: 'Play nothing: add up the runs that DIR keeps (may be given several times).',
    },
    { name: 'jobs', value: 'N', help: 'Scenarios at the same time (default 2).' },
    {
      name: 'touch-host',
      help: 'Also those that change a setting of the whole machine for a moment.',
    },
    json('tcpwhy.lab-score/1'),
    { name: 'markdown', help: 'Print the table as Markdown.' },
    { name: 'quiet', short: 'q', help: 'No line on standard error for each that is done.' },
    noColor,
  ],
  examples: [
    { command: 'sudo tcpwhy lab score', what: 'everything, about 15 minutes' },
    {
      command: 'sudo tcpwhy lab score --runs 3 --keep runs',
      what: 'three times; after a kill the same command goes on',
    },
    { command: 'sudo tcpwhy lab score idle-timeout firewall-reject/tcp-reset', what: 'some of it' },
  ],
  notes: `Each set of evidence is judged for itself: the client's capture, the server's, both, the live host
without and with packets. Exit code: 0 no sure claim was wrong, 1 one was, 2 it cannot run here.`,
  load: () => import('./lab-score-run.ts'),
} as const satisfies CommandSpec
