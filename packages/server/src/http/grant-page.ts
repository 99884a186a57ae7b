import type { IncomingMessage, ServerResponse } from 'node:http'
import { approvalPath, isLive, type Grant, type Grants } from '#approvals'
import { html, type Html, type PageDesk, type Person } from '#auth'
import { approversOf, type GroupsOf } from '#policy'

export interface GrantPageRooms {
  readonly grants: Pick<Grants, 'get' | 'agree' | 'revoke'>
  readonly groupsOf: GroupsOf
  readonly pages: () => PageDesk
}

interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly person: Person
}

const formName = (id: string): string => `grant ${id}`

/** Where those who would be asked agree to a standing grant, or end it; false for nobody else's eyes. */
export async function grantPage(
  { grants, groupsOf, pages }: GrantPageRooms,
  { request, response, person }: Visit,
  id: string,
): Promise<boolean> {
  const grant = await grants.get(id)
  const { principal, means, provedAt } = person
  const mine = groupsOf(principal)
  const isTheirs = principal !== grant.principal && !(grant.actors ?? []).includes(principal)
  if (!isTheirs || !grant.asks.some(({ group }) => mine.includes(group))) return false
  if (request.method === 'POST') {
    const { text } = await pages().forms.read(request, formName(id))
    if (text('verdict') === 'agree') await grants.agree(id, { principal, means, provedAt })
    else if (text('verdict') === 'revoke') await grants.revoke(id, principal)
    pages().redirect(response, approvalPath(id))
    return true
  }
  const { forms, send } = pages()
  const body = bodyOf(grant, principal, forms.field(request, response, formName(id)))
  send(response, 200, { title: 'Standing grant', body, isWide: true })
  return true
}

const time = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const unboundIn = ({ where }: Grant['bounds']): string =>
  where.length === 0 ? 'any' : 'any, but for these:'

function bodyOf(grant: Grant, principal: string, field: Html): Html {
  const { id, state, what, bounds, makers, client, hours, reason } = grant
  const lacks = state === 'pending' && makers.every(({ by }) => by !== principal)
  const named =
    'label' in what
      ? `every tool of "${what.label}"`
      : `${what.server} ${what.tool ?? '(every tool)'}`
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Allows', named],
    ['For', grant.principal],
    ['Through', [client ?? 'any client', ...(grant.actors ?? [])].join(', ')],
    [
      'Arguments',
      bounds.exactly === undefined ? unboundIn(bounds) : 'exactly those it was made for',
    ],
    ...bounds.where.map(
      ({ path, test, value }) => ['Where', `${path} ${test} ${JSON.stringify(value)}`] as const,
    ),
    ['Calls', `${String(grant.left)} of ${String(grant.uses)} left`],
    ['From', time(grant.from)],
    ['Until', time(grant.until)],
    ['Hours', hours],
    ['Instead of', `the approval of ${approversOf(grant.asks)}`],
    ...makers.map(({ by }) => ['Made by', by] as const),
    ['Goes on', grant.pins ? undefined : 'whatever the tools and the policies change to'],
    ['Why', reason],
  ]
  const rows = facts.flatMap(([name, value]) =>
    value === undefined
      ? []
      : [
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
        ],
  )
  return html`<h1>A standing grant, ${state}</h1>
    <dl>${rows}</dl>
    ${
      isLive(grant) &&
      html`<form method="post" action="${approvalPath(id)}">
        ${field}
        <button type="submit" name="verdict" value="revoke" class="quiet">End it</button>
        ${lacks && html`<button type="submit" name="verdict" value="agree">Allow exactly this</button>`}
      </form>`
    }`
}
