import type { Admin } from '@countersign/contract'
import { approversOf } from '#policy'

export type Line = Awaited<ReturnType<Admin['getGrant']>>

const HEAD = ['ID', 'STATE', 'WHAT', 'FOR', 'LEFT', 'UNTIL', 'OWNER']

/** Rows of a table, under their heads. */
export const rows = (lines: readonly Line[]): readonly (readonly string[])[] => [
  HEAD,
  ...lines.map((line) => [
    line.id,
    line.state,
    whatIn(line),
    line.principal,
    `${String(line.left)} of ${String(line.uses)}`,
    time(line.until),
    line.owner,
  ]),
]

const time = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const whatIn = ({ what }: Pick<Line, 'what'>): string => {
  if ('label' in what) return `every tool of "${what.label}"`
  return what.tool === undefined ? `${what.server}, every tool` : `${what.server} ${what.tool}`
}

/** All that it allows, for whoever has to answer for it. */
export function inWhole(line: Line): string {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['grant', `${line.id}  ${line.state}`],
    ['allows', whatIn(line)],
    ['for', line.principal],
    ['through', [line.client ?? 'any client', ...(line.actors ?? [])].join(', ')],
    ['arguments', line.isExact ? 'exactly those it was made for' : undefined],
    ...line.where.map((one) => ['where', boundIn(one)] as const),
    ['calls', `${String(line.left)} of ${String(line.uses)} left`],
    ['from', time(line.from)],
    ['until', time(line.until)],
    ['hours', line.hours],
    ['instead of', `the approval of ${approversOf(line.asks)}`],
    ...line.makers.map((one) => ['made by', `${one.by}, as ${one.groups.join(', ')}`] as const),
    ['owner', line.owner],
    ['goes on', line.isAnyVersion ? 'whatever the tools and the policies change to' : undefined],
    ['why', line.reason],
    ['with', line.approval],
  ]
  return facts
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${name.padEnd(16)}${value.replaceAll(/\s+/g, ' ')}`],
    )
    .join('\n')
}

const SIGNS = { equals: '=', oneOf: '=', min: '>=', max: '<=', prefix: '^=' } as const

const boundIn = ({ path, test, value }: Line['where'][number]): string => {
  const texts = (Array.isArray(value) ? value : [value]).map((one) =>
    typeof one === 'string' ? one : JSON.stringify(one),
  )
  return `${path} ${SIGNS[test]} ${texts.join('|')}`
}
