import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@countersign/contract'
import { approvalPath, chainOf, FRESH_MS, type Approval, type Approvals } from '#approvals'
import { html, PageRefusal, type Html, type PageDesk, type Person, type SignIns } from '#auth'
import type { World } from '#base'
import { approversOf } from '#policy'
import type { Mount } from './routes.ts'

export interface ApprovalPageRooms {
  readonly world: World
  readonly approvals: Pick<Approvals, 'find' | 'decide' | 'groupsOf'>
  readonly signIns: () => SignIns
  readonly pages: () => PageDesk
}

const PATH = /^\/approvals\/(ap_[\w-]{1,60}(?:\.\d)?)$/

/** The page on which somebody who is asked sees exactly what will happen, and decides it. */
export const approvalMount = (rooms: ApprovalPageRooms): Mount => ({
  owns: (path) => path.startsWith('/approvals/'),
  answer: async (request, response) => {
    try {
      await answer(rooms, request, response)
    } catch (thrown) {
      if (thrown instanceof PageRefusal) rooms.pages().refuse(response, thrown)
      else if (thrown instanceof Fault) rooms.pages().refuse(response, refusalOf(thrown))
      else throw thrown
    }
  },
})

async function answer(
  rooms: ApprovalPageRooms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const id = PATH.exec(path)?.[1]
  if (id === undefined) throw nothingHere()
  const person = await rooms.signIns().personOf(request)
  // A decision needs somebody who is there now: whoever signed in long ago does it again.
  if (!person || rooms.world.now() - person.provedAt > FRESH_MS) {
    rooms.signIns().send(response, path, { freshMs: FRESH_MS })
    return
  }
  const approval = await rooms.approvals.find(id)
  // What waits is shown to those who are asked and to whoever asks, and exists for nobody else.
  if (!approval || !maySee(approval, person, rooms.approvals)) throw nothingHere()
  if (request.method === 'POST') {
    await decide(rooms, request, person, id)
    rooms.pages().redirect(response, path)
    return
  }
  const { forms, send } = rooms.pages()
  const canAnswer = canDecide(approval, person, rooms.approvals)
  const field = canAnswer ? forms.field(request, response, formName(id)) : undefined
  const body = bodyOf(approval, field, rooms.world.now())
  send(response, 200, { title: 'Approval', body, isWide: true })
}

/** What a form is for: one of another page, or for another call, is none. */
const formName = (id: string): string => `approval ${id}`

async function decide(
  { approvals, pages }: ApprovalPageRooms,
  request: IncomingMessage,
  { principal, means, provedAt }: Person,
  id: string,
): Promise<void> {
  const { text } = await pages().forms.read(request, formName(id))
  const said = text('verdict')
  if (said !== 'approve' && said !== 'deny') throw nothingHere()
  const reason = text('reason').trim().slice(0, REASON_CHARS_MAX)
  if (said === 'deny' && reason === '') throw needsReason()
  const verdict = { verdict: said, reason: reason === '' ? undefined : reason } as const
  await approvals.decide(id, { principal, means, provedAt }, verdict)
}

const REASON_CHARS_MAX = 1_000

const canDecide = (
  { asks, bound }: Approval,
  { principal }: Person,
  { groupsOf }: Pick<Approvals, 'groupsOf'>,
): boolean =>
  !chainOf(bound).has(principal) && asks.some(({ group }) => groupsOf(principal).includes(group))

const maySee = (
  approval: Approval,
  person: Person,
  approvals: Pick<Approvals, 'groupsOf'>,
): boolean =>
  person.principal === approval.bound.principal || canDecide(approval, person, approvals)

const time = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

function bodyOf(approval: Approval, field: Html | undefined, now: number): Html {
  const { id, bound, shown, asks, message, answers } = approval
  const state = approval.state === 'open' && now >= approval.expiresAt ? 'expired' : approval.state
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Tool', `${bound.server} ${bound.tool}, called as ${shown.name}`],
    ['Effect', bound.effect],
    ['Asked by', bound.principal],
    ['Through', [bound.client, ...bound.actors].join(', ')],
    ['Needs', `approval by ${approversOf(asks)}`],
    ['Policies', asks.flatMap(({ policies }) => policies).join(', ')],
    ['Why', message],
    ['Until', time(approval.expiresAt)],
    ['Definition', bound.definition],
    ['The server says of it', [shown.title, shown.description].filter(Boolean).join(': ')],
    ...answers.map(({ by, verdict, reason }) => {
      const why = reason === undefined ? '' : `: ${reason}`
      return ['Answer', `${by} said ${verdict === 'approve' ? 'yes' : 'no'}${why}`] as const
    }),
  ]
  const rows = facts.flatMap(([name, value]) =>
    value === undefined || value === ''
      ? []
      : [
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
        ],
  )
  return html`<h1>${state === 'open' ? 'Shall this be done?' : `This is ${state}`}</h1>
    <dl>${rows}</dl>
    <h2>Arguments</h2>
    <pre>${JSON.stringify(shown.arguments, undefined, 2)}</pre>
    <p class="small soft">${id}, ${bound.arguments}</p>
    ${state === 'open' && field ? formOf(id, field) : html`<p>There is nothing to decide here.</p>`}`
}

// The first button is what Enter presses.
const formOf = (id: string, field: Html): Html =>
  html`<form method="post" action="${approvalPath(id)}">
    ${field}
    <label for="reason">Reason, which a no needs: the agent reads it</label>
    <input id="reason" name="reason" value="" maxlength="${REASON_CHARS_MAX}" />
    <button type="submit" name="verdict" value="deny" class="quiet">Deny</button>
    <button type="submit" name="verdict" value="approve">Approve exactly this</button>
  </form>`

const nothingHere = (): PageRefusal =>
  new PageRefusal(404, {
    title: 'Nothing to decide here',
    words: 'There is no such request for approval, or it is not for you to decide.',
  })

const needsReason = (): PageRefusal =>
  new PageRefusal(400, {
    title: 'Say why',
    words: 'Nothing was decided: a no needs its reason. Go back and write one.',
  })

const refusalOf = ({ code, message }: Fault): PageRefusal =>
  new PageRefusal(code === 'approval/over' ? 409 : 403, {
    title: 'Nothing was decided',
    words: message,
  })
