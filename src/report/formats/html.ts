import type { Finding, Report } from '../../diagnose/report.ts'
import { hostWords } from '../../messages/en/hosts.ts'
import { reportWords as words } from '../../messages/en/report.ts'
import { render as fill } from '../../messages/render.ts'
import { htmlText } from '../escape.ts'
import type { RenderOptions, ReportFormat } from '../format.ts'
import { comparisonTexts } from '../hosts.ts'
import {
  affectedText,
  becauseText,
  causeText,
  connectionsHeading,
  connectionTexts,
  culpritText,
  differenceText,
  relations,
  type SourceNames,
  sourceNames,
  sourceTexts,
  totalsText,
  vantageTexts,
} from '../sentences.ts'

/** One page that needs nothing else: no script, nothing loaded. */
export const html: ReportFormat = { id: 'html', title: 'self-contained HTML page', render }

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --red: #c62828; --amber: #b26a00; --green: #2e7d32 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; border-left: .4rem solid var(--mark); padding-left: .8rem }
h2 { font-size: 1.1rem; margin-top: 2rem }
article { border: 1px solid var(--line); border-left: .3rem solid var(--mark); border-radius: .3rem;
  padding: 0 1rem; margin: 1rem 0 }
.problem { --mark: var(--red) } .inconclusive, .notice { --mark: var(--amber) }
.healthy, .benign { --mark: var(--green) }
dl { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: .3rem 1rem }
dt { font-weight: 600 } dd { margin: 0; overflow-wrap: anywhere }
dd ul { margin: 0; padding-left: 1.2rem }
pre { margin: .3rem 0; padding: .4rem .6rem; background: #8882; border-radius: .3rem;
  white-space: pre-wrap; overflow-wrap: anywhere }
table { border-collapse: collapse; font-size: .9rem } td, th { text-align: left; vertical-align: top;
  padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
footer { margin-top: 2rem; font-size: .9rem; opacity: .8; overflow-wrap: anywhere }`

function* render(report: Report, options: RenderOptions): Iterable<string> {
  const names = sourceNames(report)
  yield head(report)
  yield `<h1 class="${htmlText(report.verdict)}">${htmlText(report.headline)}</h1>\n`
  let number = 0
  for (const finding of report.findings) yield article(finding, ++number, names)
  yield section(
    words.heading.excluded,
    report.excluded.map(({ cause, because }) => {
      const why = because.map((b) => htmlText(becauseText(b, names))).join('; ')
      return `<code>${htmlText(cause)}</code>: ${why}`
    }),
  )
  yield section(
    words.heading.unknown,
    report.unknown.map(({ cause, missing, ask }) => {
      const what = htmlText(`${words.label.missing} ${missing.join(', ')}`)
      return `<code>${htmlText(cause)}</code>: ${what}${command(ask)}`
    }),
  )
  if (report.comparison !== undefined) {
    yield section(hostWords.heading, comparisonTexts(report.comparison).map(htmlText))
  }
  yield section(words.heading.vantage, vantageTexts(report, names).map(htmlText))
  if (report.baseline !== undefined) {
    yield section(
      fill(words.heading.baseline, { name: report.baseline.name }),
      report.baseline.differences.map((d) => htmlText(differenceText(d))),
    )
  }
  if (options.verbose && report.connections.total > 0) yield* connections(report, options, names)
  yield footer(report)
}

function head(report: Report): string {
  const title = htmlText(fill(words.htmlTitle, { headline: report.headline }))
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}
</style>
`
}

function article(f: Finding, number: number, names: SourceNames): string {
  const kind = `${causeText(f)}: ${words.certainty[f.certainty]}, ${words.severity[f.severity]}`
  const against = f.against.map((b) => htmlText(becauseText(b, names, f.affected.connections)))
  return `<article class="${htmlText(f.severity)}">
<h2>${number}. ${htmlText(f.title)}</h2>
<dl>
${entry(words.label.cause, htmlText(kind))}${entry(words.label.culprit, htmlText(culpritText(f.culprit)))}${entry(
  words.label.affected,
  htmlText(affectedText(f.affected)),
)}${relations(f)
  .map(([label, cause]) => entry(label, htmlText(cause)))
  .join('')}${entry(
  words.label.because,
  list(f.because.map((b) => htmlText(becauseText(b, names, f.affected.connections)))),
)}${entry(words.label.against, against.length === 0 ? words.against.none : list(against))}${entry(
  words.label.now,
  steps(f.now ?? []),
)}${entry(words.label.confirm, steps(f.confirm))}${entry(words.label.fix, steps(f.fix))}</dl>
</article>
`
}

function entry(label: string, body: string): string {
  return body === '' ? '' : `<dt>${htmlText(label)}</dt><dd>${body}</dd>\n`
}

function list(items: readonly string[]): string {
  if (items.length === 0) return ''
  return `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
}

function steps(all: Finding['fix']): string {
  return list(
    all.map((step) =>
      [
        htmlText(step.text),
        step.setting === undefined ? '' : ` (<code>${htmlText(step.setting)}</code>)`,
        step.command === undefined ? '' : command(step.command),
        step.verify === undefined ? '' : ` ${htmlText(words.label.verify)}:${command(step.verify)}`,
      ].join(''),
    ),
  )
}

function command(text: string): string {
  return `<pre>${htmlText(text)}</pre>`
}

function section(heading: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `<h2>${htmlText(heading)}</h2>\n${list(items)}\n`
}

function* connections(
  report: Report,
  options: RenderOptions,
  names: SourceNames,
): Iterable<string> {
  yield `<h2>${htmlText(connectionsHeading(report))}</h2>\n<table>\n`
  for (const connection of options.listed ?? report.connections.listed) {
    const { ends, what, odd } = connectionTexts(connection, names)
    const cells = [connection.id, ends, what, odd].map((cell) => `<td>${htmlText(cell)}</td>`)
    yield `<tr>${cells.join('')}</tr>\n`
  }
  yield '</table>\n'
}

function footer(report: Report): string {
  const sources = report.sources.map((source) => sourceTexts(source).map(htmlText).join('<br>! '))
  const { name, version } = report.tool
  const lines = [htmlText(totalsText(report)), ...sources, htmlText(`${name} ${version}`)]
  return `<footer>${lines.map((line) => `<p>${line}</p>`).join('\n')}</footer>\n</html>\n`
}
