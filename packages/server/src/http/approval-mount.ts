import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@countersign/contract'
import {
  approvalPath,
  decideWith,
  FRESH_MS,
  grantIdOf,
  seatsFor,
  takesPart,
  type Approval,
  type Approvals,
  type Grants,
  type More,
} from '#approvals'
import type { Ledger } from '#audit'
import { PageRefusal, type PageDesk, type Person, type SignIns } from '#auth'
import type { World } from '#base'
import type { ApprovalSettings } from '#policy'
import { historyOf } from './approval-history.ts'
import { approvalBody, REASON_CHARS_MAX } from './approval-page.ts'
import { grantPage } from './grant-page.ts'
import type { Mount } from './routes.ts'

export interface ApprovalPageRooms {
  readonly world: World
  readonly approvals: Pick<Approvals, 'find' | 'decide' | 'groupsOf' | 'settings'>
  readonly grants: Pick<Grants, 'get' | 'makeWith' | 'agree' | 'revoke'>
  readonly ledger: Pick<Ledger, 'read'>
  readonly signIns: () => SignIns
  readonly pages: () => PageDesk
}

const PATH = /^\/approvals\/((?:ap|gr)_[\w-]{1,60}(?:\.\d)?)$/

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
  const [path = '/', query] = (request.url ?? '/').split('?', 2)
  const id = PATH.exec(path)?.[1]
  if (id === undefined) throw nothingHere()
  const person = await rooms.signIns().personOf(request)
  // A decision needs somebody who is there now: whoever signed in long ago does it again.
  if (!person || rooms.world.now() - person.provedAt > FRESH_MS) {
    rooms.signIns().send(response, path, { freshMs: FRESH_MS })
    return
  }
  // Somebody who signed in otherwise, and is asked for a passkey.
  if (request.method === 'GET' && query === 'sign-in') {
    rooms.signIns().send(response, path, { freshMs: 0 })
    return
  }
  const visit = { request, response, person }
  if (id.startsWith('gr_')) {
    const { groupsOf } = rooms.approvals
    if (!(await grantPage({ ...rooms, groupsOf }, visit, id))) throw nothingHere()
  } else await answerApproval(rooms, visit, id)
}

interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly person: Person
}

async function answerApproval(
  rooms: ApprovalPageRooms,
  { request, response, person }: Visit,
  id: string,
): Promise<void> {
  const approval = await rooms.approvals.find(id)
  // What waits is shown to those who are asked and to whoever asks, and exists for nobody else.
  if (!approval || !maySee(approval, person, rooms.approvals, rooms.world.now()))
    throw nothingHere()
  if (request.method === 'POST') {
    await decide(rooms, request, person, id)
    rooms.pages().redirect(response, approvalPath(id))
    return
  }
  await show(rooms, { request, response }, approval, person)
}

async function show(
  rooms: ApprovalPageRooms,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  approval: Approval,
  person: Person,
): Promise<void> {
  const { forms, send } = rooms.pages()
  const { settings, groupsOf } = rooms.approvals
  const { id, bound } = approval
  const now = rooms.world.now()
  const mayAnswer = canDecide(approval, person, rooms.approvals, now)
  const mayBreakGlass = canBreakGlass(approval, person, rooms.approvals)
  const isFor = mayAnswer || mayBreakGlass
  const view = {
    approval,
    settings: mayGrant(person, settings.grants, groupsOf) ? settings : withoutGrants(settings),
    now,
    mayAnswer,
    mayBreakGlass,
    lacksPasskey: settings.passkeyFor.includes(bound.effect) && person.means !== 'passkey',
    field: isFor ? forms.field(request, response, formName(id)) : undefined,
    history: isFor ? await historyOf(rooms.ledger, bound) : NO_HISTORY,
    grant: await rooms.grants.get(grantIdOf(id)).catch(() => undefined),
  }
  send(response, 200, { title: 'Approval', body: approvalBody(view), isWide: true })
}

/** Whoever asks is not shown what others did. */
const NO_HISTORY = { agent: [], tool: [] }

const withoutGrants = (settings: ApprovalSettings): ApprovalSettings => ({
  ...settings,
  grants: undefined,
})

const mayGrant = (
  { principal }: Person,
  grants: ApprovalSettings['grants'],
  groupsOf: Approvals['groupsOf'],
): boolean =>
  grants !== undefined &&
  (grants.makers === undefined || groupsOf(principal).includes(grants.makers))

/** What a form is for: one of another page, or for another call, is none. */
const formName = (id: string): string => `approval ${id}`

async function decide(
  rooms: ApprovalPageRooms,
  request: IncomingMessage,
  { principal, means, provedAt }: Person,
  id: string,
): Promise<void> {
  const { text } = await rooms.pages().forms.read(request, formName(id))
  const said = text('verdict')
  const reason = text('reason').trim().slice(0, REASON_CHARS_MAX)
  const verdict = VERDICTS.get(said)
  if (verdict === undefined) throw nothingHere()
  if (said === 'deny' && reason === '') throw needsReason()
  const by = { principal, means, provedAt }
  const isBreakGlass = said === 'break-glass'
  const more = said === 'grant' ? moreIn(text, rooms.world.now()) : undefined
  const words = { verdict, reason: reason === '' ? undefined : reason, isBreakGlass }
  await decideWith(rooms, id, by, words, more)
}

const VERDICTS = new Map<string, 'approve' | 'deny'>([
  ['approve', 'approve'],
  ['grant', 'approve'],
  ['break-glass', 'approve'],
  ['deny', 'deny'],
])

const DAY_MS = 86_400_000

/** What is to be allowed beside this call; where somebody has proposed it, theirs counts. */
const moreIn = (text: (name: string) => string, now: number): More => ({
  uses: Number(text('uses') || 1),
  until: Number(text('until')) || now + Number(text('days') || 1) * DAY_MS,
  isAnyArguments: text('any') === 'yes',
})

const canDecide = (
  approval: Approval,
  person: Person,
  { groupsOf }: Pick<Approvals, 'groupsOf'>,
  now: number,
): boolean => seatsFor(approval, person, { now, groupsOf }).length > 0

const canBreakGlass = (
  { bound }: Approval,
  { principal }: Person,
  { groupsOf, settings }: Pick<Approvals, 'groupsOf' | 'settings'>,
): boolean =>
  settings.breakGlass !== undefined &&
  groupsOf(principal).includes(settings.breakGlass.group) &&
  !takesPart(bound, principal)

const maySee = (
  approval: Approval,
  person: Person,
  approvals: Pick<Approvals, 'groupsOf' | 'settings'>,
  now: number,
): boolean =>
  person.principal === approval.bound.principal ||
  canDecide(approval, person, approvals, now) ||
  canBreakGlass(approval, person, approvals)

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

const STATUS: Readonly<Record<string, number>> = {
  'approval/over': 409,
  'approval/unknown': 404,
  'rpc/bad-params': 400,
}

const refusalOf = ({ code, message }: Fault): PageRefusal =>
  new PageRefusal(STATUS[code] ?? 403, {
    title: 'Nothing was decided',
    words: message,
  })
