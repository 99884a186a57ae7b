import type { Admin } from '@countersign/contract'
import { approversOf } from '#policy'
import { lasting } from '../tasks/words.ts'

export type Line = Awaited<ReturnType<Admin['listApprovals']>>[number]
export type Detail = Awaited<ReturnType<Admin['getApproval']>>

const HEAD = ['ID', 'STATE', 'WHAT', 'BY', 'NEEDS', 'LEFT']

/** Rows of a table, under their heads. */
export const rows = (lines: readonly Line[], now: number): readonly (readonly string[])[] => [
  HEAD,
  ...lines.map((line) => [
    line.id,
    line.state,
    about(line),
    line.bound.principal,
    needs(line),
    line.state === 'open' ? lasting(line.expiresAt - now) : '',
  ]),
]

export const about = ({ bound }: Line): string => `${bound.server} ${bound.tool} (${bound.effect})`

/** Whom it asks, and how many said yes so far. */
function needs({ asks, answers }: Line): string {
  const yes = answers.filter(({ verdict }) => verdict === 'approve').length
  return `${approversOf(asks)}${yes > 0 ? `, ${String(yes)} said yes` : ''}`
}

const time = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** Exactly what will happen, for whoever has to answer for it. */
export function inWhole(detail: Detail, now: number): string {
  const { bound, asks, answers, message, why } = detail
  const left = detail.state === 'open' ? `, ${lasting(detail.expiresAt - now)} left` : ''
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['approval', `${detail.id}  ${detail.state}${why === undefined ? '' : `: ${why}`}`],
    ['tool', `${bound.server} ${bound.tool}  (called as ${detail.name})`],
    ['effect', bound.effect],
    ['asked by', bound.principal],
    ['through', [bound.client, ...bound.actors].join(', ')],
    ['view', bound.view === '' ? undefined : bound.view],
    ['needs', `approval by ${approversOf(asks)}`],
    ...later(detail),
    ['policies', asks.flatMap(({ policies }) => policies).join(', ')],
    ['why', message],
    ['asked', time(detail.createdAt)],
    ['until', `${time(detail.expiresAt)}${left}`],
    ...answers.map((one) => {
      const reason = one.reason === undefined ? '' : `: ${one.reason}`
      return [
        'answer',
        `${one.by} said ${one.verdict === 'approve' ? 'yes' : 'no'}${aloneIn(detail, one.by)}${reason}`,
      ] as const
    }),
    ['definition', bound.definition],
    ['the server says', [detail.title, detail.description].filter(Boolean).join(': ')],
    ['ledger', detail.call],
    ['task', detail.task],
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name.padEnd(16)}${oneLine(value)}`],
  )
  const given = JSON.stringify(detail.arguments, undefined, 2)
  return [...lines, '', `arguments       ${bound.arguments}`, given].join('\n')
}

const aloneIn = ({ breakGlass }: Detail, by: string): string =>
  breakGlass?.by === by ? ' alone, by breaking the glass' : ''

/** Who may answer too when nobody of those who are asked does. */
const later = ({ asks, createdAt }: Detail): readonly (readonly [string, string])[] =>
  asks.flatMap(({ group, escalate }) =>
    escalate
      ? [
          [
            'or',
            `someone of "${escalate.to}", if "${group}" has not by ${time(createdAt + escalate.afterMs)}`,
          ],
        ]
      : [],
  )

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
