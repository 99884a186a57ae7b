import type { Detector, Finding } from './detector.ts'

/** What rules of secretlint are given and report, as far as it matters here. */
interface Report {
  readonly message: { readonly data: Readonly<Record<string, unknown>> }
  readonly range: readonly [number, number]
}
interface Rule {
  readonly meta: { readonly id: string; readonly type: string }
  readonly create: (context: object, options: object) => { file?: (source: object) => unknown }
}

const PREFIX = '@secretlint/secretlint-rule-'
/** Has its own words in a text switch rules off: here the text is written by whom we look at. */
const SILENCING = `${PREFIX}filter-comments`
/** Shorter texts in the data of a report are names. */
const SECRET_CHARS_MIN = 8

/** The recommended rules of secretlint, which are bounded in what they look at by their own patterns. */
export async function loadSecrets(): Promise<Detector> {
  const { rules } = await import('@secretlint/secretlint-rule-preset-recommend')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Their types are of another package.
  const all = (rules as unknown as readonly Rule[]).filter(({ meta }) => meta.id !== SILENCING)
  const reports: Report[] = []
  const running = all.map((rule) => ({
    kind: `secret/${rule.meta.id.replace(PREFIX, '')}`,
    handlers: rule.create(contextFor(reports), {}),
  }))
  return (content) => {
    const found: Finding[] = []
    const source = { content, contentType: 'text', filePath: 'value.txt', ext: '.txt' }
    for (const { kind, handlers } of running) {
      handlers.file?.(source)
      for (const report of reports.splice(0)) found.push(...placesOf(kind, content, report))
    }
    return found
  }
}

/** Some rules tell where what they found begins by what stands before it: then what it is counts. */
function placesOf(kind: string, content: string, { range, message }: Report): readonly Finding[] {
  const [start, end] = range
  const inData = Object.values(message.data).flatMap((value) => {
    if (typeof value !== 'string' || value.length < SECRET_CHARS_MIN) return []
    const at = content.indexOf(value, start)
    return at < 0 || at > end ? [] : [{ kind, start: at, end: at + value.length }]
  })
  const [secret] = inData
  return secret ? [secret] : [{ kind, start, end }]
}

function contextFor(reports: Report[]) {
  return {
    sharedOptions: {},
    createTranslator: () => (messageId: string, data: object) => ({ messageId, message: '', data }),
    report: (report: Report) => void reports.push(report),
    ignore: () => undefined,
  }
}
