import { Fault, type Admin } from '@countersign/contract'

type Where = NonNullable<Parameters<Admin['makeGrant']>[0]['where']>[number]

const EXPRESSION = /^([^<>=^]{1,512})(<=|>=|\^=|=)([^]*)$/
const TESTS = { '<=': 'max', '>=': 'min', '^=': 'prefix', '=': 'equals' } as const

/** `amount<=100`, `path^=/tmp/`, `state=open`, `state=open|closed` */
export function whereIn(text: string): Where {
  const [, path = '', sign = '', value = ''] = EXPRESSION.exec(text) ?? []
  const test = new Map<string, Where['test']>(Object.entries(TESTS)).get(sign)
  if (test === undefined || value === '') throw unread(text)
  const name = path.trim()
  if (test === 'prefix') return { path: name, test, value }
  if (test !== 'equals' && !Number.isFinite(Number(value))) throw unread(text)
  if (test !== 'equals') return { path: name, test, value: Number(value) }
  return { path: name, ...choiceIn(value) }
}

function choiceIn(text: string): Omit<Where, 'path'> {
  const values = text.split('|').map(meant)
  const [only = null] = values
  return values.length === 1 ? { test: 'equals', value: only } : { test: 'oneOf', value: values }
}

/** A number, true, false or null as such; everything else is text. */
const meant = (text: string): string | number | boolean | null => {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === 'null') return null
  return text.trim() !== '' && String(Number(text)) === text ? Number(text) : text
}

const unread = (text: string): Fault =>
  new Fault(
    'rpc/bad-params',
    `--where "${text.slice(0, 100)}" is none of: PATH=VALUE, PATH=ONE|OTHER, PATH<=NUMBER, PATH>=NUMBER, PATH^=BEGINNING.`,
  )
