import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  adminStatus,
  Fault,
  isDeeperThan,
  isObject,
  textAt,
  toFault,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import type { Approvals } from '#approvals'
import { foldNotes, type FoldedNotes, type Ledger } from '#audit'
import type { World } from '#base'
import { WEBHOOK_HEADERS, whoSigned, type DeciderSpec } from '#feeds'
import type { Records } from '#store'
import { readText } from './body.ts'
import { methodNotAllowed, sayWhen } from './refusal.ts'
import type { Mount } from './routes.ts'

export interface DecisionRooms {
  readonly world: World
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly approvals: Pick<Approvals, 'decide'>
  readonly deciders: readonly DeciderSpec[]
  readonly callerAt: (request: IncomingMessage) => string | undefined
}

const PATH = /^\/approvals\/(ap_[\w-]{1,60}(?:\.\d)?)\/decision$/
const BODY_BYTES_MAX = 65_536
const DEPTH_MAX = 8
const REASON_CHARS_MAX = 1_000
const ID = /^[\x21-\x7e]{1,256}$/
const RECEIVED = 'Decision'
/** Signatures are taken five minutes either way: an id is remembered for longer than that. */
const REMEMBERED_MS = 15 * 60_000
/** Of refusals in a minute so many are entries of their own. */
const NOTED_MAX = 10
/** So many that did not count, from one address in a minute; then nothing more is read from there. */
const REFUSED_MAX = 60
const MINUTE_MS = 60_000
const ADDRESSES_MAX = 1_000

/** EV-032. Where chat systems say what people answered: each message signed (Standard Webhooks), each once. */
export function decisionMount(rooms: DecisionRooms): Mount {
  const notes = foldNotes(rooms.world, rooms.ledger, NOTED_MAX)
  const patience = makePatience(rooms.world)
  return {
    owns: (path) => rooms.deciders.length > 0 && PATH.test(path),
    answer: async (request, response) => {
      try {
        const address = rooms.callerAt(request) ?? ''
        patience.check(address)
        const output = await decide(rooms, notes, request, response).catch((thrown: unknown) => {
          patience.lose(address)
          throw thrown
        })
        answer(response, 200, output)
      } catch (thrown) {
        refuse(response, toFault(thrown))
      }
    },
  }
}

interface Message {
  readonly id: string
  readonly body: string
}

async function decide(
  rooms: DecisionRooms,
  notes: FoldedNotes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<JsonObject> {
  if (request.method !== 'POST') throw methodNotAllowed(response, 'POST')
  const approval = PATH.exec((request.url ?? '').split('?', 1)[0] ?? '')?.[1] ?? ''
  const message = { id: headerOf(request, 'id'), body: await readText(request, BODY_BYTES_MAX) }
  const decider = whoSigned(rooms.deciders, message.body, {
    [WEBHOOK_HEADERS.id]: message.id,
    [WEBHOOK_HEADERS.timestamp]: headerOf(request, 'timestamp'),
    [WEBHOOK_HEADERS.signature]: headerOf(request, 'signature'),
  })
  if (!decider || !ID.test(message.id)) {
    notes.note('decision.refused', { reason: 'not signed by anybody we know, or not now' })
    throw new Fault('auth/required', 'Nothing was decided.')
  }
  try {
    return await decideSigned(rooms, decider, approval, message)
  } catch (thrown) {
    const { code } = toFault(thrown)
    notes.note('decision.refused', { reason: code, decider: decider.name, approval })
    throw thrown
  }
}

async function decideSigned(
  { world, records, approvals }: DecisionRooms,
  { name, people, as }: DeciderSpec,
  approval: string,
  { id, body }: Message,
): Promise<JsonObject> {
  const { verdict, by, reason, ...said } = readDecision(body)
  // The signature covers the body alone: a message that was caught decides nothing else.
  if (said.approval !== approval) throw malformed('"approval" must be the one of the address.')
  const received = `${name}/${id}`
  const isFirst = await records.add(RECEIVED, received, {}, { until: world.now() + REMEMBERED_MS })
  if (!isFirst) {
    throw new Fault('approval/over', 'This message was received before: nothing was decided again.')
  }
  const principal = people.get(by)
  if (principal === undefined) {
    throw new Fault(
      'approval/not-yours',
      `Nothing was decided: "${by.slice(0, 100)}" is nobody we know. Name them in the configuration: policy.approvals.deciders, people.`,
    )
  }
  const approver = { principal, means: 'webhook', provedAt: world.now(), only: as } as const
  const decided = await approvals
    .decide(approval, approver, { verdict, reason })
    .catch(async (thrown: unknown) => {
      // That was us, so the sender tries again, with the same id: it is to be heard then.
      if (adminStatus(toFault(thrown).code) >= 500) await records.remove(RECEIVED, received)
      throw thrown
    })
  return { approval: decided.id, state: decided.state, by: principal, verdict }
}

interface Decision {
  readonly approval: string
  readonly verdict: 'approve' | 'deny'
  readonly by: string
  readonly reason: string | undefined
}

function readDecision(text: string): Decision {
  const read = isDeeperThan(text, DEPTH_MAX) ? undefined : parsed(text)
  const said = isObject(read) ? read : {}
  const verdict = textAt(said, 'verdict')
  const [approval, by] = [textAt(said, 'approval'), textAt(said, 'by')]
  const reason = textAt(said, 'reason').trim()
  if (
    (verdict !== 'approve' && verdict !== 'deny') ||
    by === '' ||
    reason.length > REASON_CHARS_MAX
  ) {
    throw malformed(
      'It takes {"approval": …, "verdict": "approve" or "deny", "by": …, "reason": …}.',
    )
  }
  if (verdict === 'deny' && reason === '')
    throw malformed('A no needs its reason: the agent reads it.')
  return { approval, verdict, by, reason: reason === '' ? undefined : reason }
}

const malformed = (message: string): Fault =>
  new Fault('rpc/envelope', `Nothing was decided. ${message}`)

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One header of its name: two would be two meanings. */
function headerOf(
  { headersDistinct }: IncomingMessage,
  name: keyof typeof WEBHOOK_HEADERS,
): string {
  const all = headersDistinct[WEBHOOK_HEADERS[name]] ?? []
  return all.length === 1 ? (all[0] ?? '') : ''
}

interface Patience {
  readonly check: (address: string) => void
  readonly lose: (address: string) => void
}

/** How many that did not count are borne from one address. */
function makePatience(world: World): Patience {
  const lost = new Map<string, { readonly since: number; count: number }>()
  const recent = (address: string): { readonly since: number; count: number } | undefined => {
    const one = lost.get(address)
    return one && world.monotonic() - one.since < MINUTE_MS ? one : undefined
  }
  return {
    check: (address) => {
      if ((recent(address)?.count ?? 0) < REFUSED_MAX) return
      throw new Fault('http/busy', 'Too many decisions that do not count. Try again in a minute.')
    },
    lose: (address) => {
      const one = recent(address)
      if (one) one.count += 1
      else {
        lost.delete(address)
        if (lost.size >= ADDRESSES_MAX) lost.delete(lost.keys().next().value ?? '')
        lost.set(address, { since: world.monotonic(), count: 1 })
      }
    },
  }
}

function answer(response: ServerResponse, status: number, body: JsonObject): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

function refuse(response: ServerResponse, fault: Fault): void {
  const { code, message } = fault
  if (code === 'server/bug') throw fault
  sayWhen(response, fault)
  // What is left of a refused body is not read: the connection cannot serve another request.
  if (!response.req.complete) response.setHeader('connection', 'close')
  answer(response, adminStatus(code), { error: { fault: code, message } })
}
