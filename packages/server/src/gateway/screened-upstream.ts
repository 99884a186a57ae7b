import { textAt, type InputRequest, type JsonObject, type RpcError } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { Principal } from '#auth'
import type { Redaction, Screened, Screening } from '#redaction'
import type { Exchange, InputAnswer, Outgoing, Reply, Upstream, UpstreamEvent } from '#upstream'
import { keptBack, summed } from './screen.ts'

export interface ScreeningRooms {
  readonly redaction: Redaction
  readonly ledger: Pick<Ledger, 'note'>
}

/** One call, and all that was found in what its server said meanwhile. */
interface Hearing {
  readonly rooms: ScreeningRooms
  readonly who: Principal
  readonly about: Screening
  readonly call: string
  /** In what it said. */
  readonly found: Told[]
  /** In what it was answered. */
  readonly given: Told[]
}
type Told = Pick<Screened, 'found' | 'done'>

/**
 * The same server; what it says is looked at before anybody hears, keeps or digests it. What it is told
 * is looked at where a call is read, but for answers to its questions, which pass here.
 */
export function screenedUpstream(
  rooms: ScreeningRooms,
  upstream: Upstream,
  who: Principal,
): Upstream {
  const { spec, tasks } = upstream
  const hearing = (exchange: Exchange, name = exchange.about?.name): Hearing => ({
    rooms,
    who,
    about: { server: spec.id, name },
    call: exchange.about?.call ?? '',
    found: [],
    given: [],
  })
  return {
    spec,
    status: () => upstream.status(),
    introduce: (signal) => upstream.introduce(signal),
    list: (kind, signal) => upstream.list(kind, signal),
    watch: (watch) => {
      upstream.watch(watch)
    },
    close: () => upstream.close(),
    call: async (outgoing, exchange) => {
      const heard = hearing(exchange, nameIn(outgoing))
      const sent = answering(heard, outgoing)
      const reply = await upstream.call(sent, listening(heard, exchange))
      const isTool = outgoing.method === 'tools/call'
      return told(heard, replied(heard, reply, isTool))
    },
    tasks: {
      see: async (id, exchange) => {
        const heard = hearing(exchange)
        const seen = await tasks.see(id, listening(heard, exchange))
        if (!seen) return seen
        const { end } = seen
        const message = seen.message === undefined ? undefined : text(heard, seen.message)
        const said = {
          ...seen,
          message,
          inputs: shown(heard, seen.inputs),
          ...(end?.kind === 'result' ? { end: { ...end, result: result(heard, end.result) } } : {}),
          ...(end?.kind === 'error' ? { end: { ...end, error: error(heard, end.error) } } : {}),
        }
        // It is looked at again and again: what was found is told once.
        return end ? told(heard, said) : said
      },
      result: async (id, exchange) => {
        const heard = hearing(exchange)
        const reply = await tasks.result(id, listening(heard, exchange))
        return told(heard, replied(heard, reply, true))
      },
      update: async (id, inputResponses, exchange) => {
        const heard = hearing(exchange)
        await tasks.update(id, safe(heard, inputResponses), exchange)
        await told(heard, undefined)
      },
      cancel: (id, exchange) => tasks.cancel(id, exchange),
    },
  }
}

function nameIn({ method, params }: Outgoing): string | undefined {
  const name = params[method === 'resources/read' ? 'uri' : 'name']
  return typeof name === 'string' ? name : undefined
}

const cancelled = (responses: JsonObject): JsonObject =>
  Object.fromEntries(Object.keys(responses).map((key) => [key, { action: 'cancel' }]))

function outward({ rooms, about, found }: Hearing, value: JsonObject): Screened {
  const said = rooms.redaction.outward(about, value)
  if (Object.keys(said.found).length > 0) found.push(said)
  return said
}

function inward({ rooms, about, given }: Hearing, value: JsonObject): Screened {
  const said = rooms.redaction.inward(about, value)
  if (Object.keys(said.found).length > 0) given.push(said)
  return said
}

/** An answer that may not be given is none: whoever asked hears that it was cancelled. */
function safe(heard: Hearing, inputResponses: JsonObject): JsonObject {
  const { value, blocked } = inward(heard, inputResponses)
  return blocked.length > 0 ? cancelled(inputResponses) : value
}

/**
 * The answers of a later round, which we may have asked for ourselves. Those that came with a call
 * were looked at where that was read, and are as they were.
 */
function answering(heard: Hearing, outgoing: Outgoing): Outgoing {
  const { inputResponses } = outgoing
  if (!inputResponses) return outgoing
  return { ...outgoing, inputResponses: safe(heard, inputResponses) }
}

/** One text; empty when it must not be shown. */
function text(heard: Hearing, message: string): string {
  const { value, blocked } = outward(heard, { message })
  return blocked.length > 0 ? '' : textAt(value, 'message')
}

/** The result of a tool: what must not be shown is a failure in words, for it has happened. */
function result(heard: Hearing, value: JsonObject): JsonObject {
  const said = outward(heard, value)
  if (said.blocked.length === 0) return said.value
  return { content: [{ type: 'text', text: keptBack(said.blocked) }], isError: true }
}

function error(heard: Hearing, { code, message, data }: RpcError): RpcError {
  const { value, blocked } = outward(heard, data === undefined ? { message } : { message, data })
  if (blocked.length > 0) return { code, message: keptBack(blocked) }
  const after = value['data']
  return {
    code,
    message: textAt(value, 'message'),
    ...(after === undefined ? {} : { data: after }),
  }
}

/** Undefined when nobody may be asked it. */
function question(heard: Hearing, request: InputRequest): InputRequest | undefined {
  if (!request.params) return request
  const { value, blocked } = outward(heard, request.params)
  if (blocked.length > 0) return undefined
  return value === request.params ? request : { ...request, params: value }
}

/** Without those that nobody may be asked. */
const shown = (
  heard: Hearing,
  requests: Readonly<Record<string, InputRequest>>,
): Readonly<Record<string, InputRequest>> =>
  Object.fromEntries(
    Object.entries(requests).flatMap(([key, one]) => {
      const asked = question(heard, one)
      return asked ? [[key, asked] as const] : []
    }),
  )

function replied(heard: Hearing, reply: Reply, isTool: boolean): Reply {
  switch (reply.kind) {
    case 'result': {
      if (isTool) return { kind: 'result', result: result(heard, reply.result) }
      const { value, blocked } = outward(heard, reply.result)
      return blocked.length === 0
        ? { kind: 'result', result: value }
        : { kind: 'error', error: { code: KEPT_BACK, message: keptBack(blocked) } }
    }
    case 'error':
      return { kind: 'error', error: error(heard, reply.error) }
    case 'input': {
      const inputRequests = shown(heard, reply.inputRequests)
      const isWhole = Object.keys(inputRequests).length === Object.keys(reply.inputRequests).length
      return isWhole ? { ...reply, inputRequests } : { kind: 'error', error: UNASKED }
    }
    case 'task': {
      const { message } = reply.task
      return message === undefined
        ? reply
        : { kind: 'task', task: { ...reply.task, message: text(heard, message) } }
    }
    case 'mismatch':
      return reply
  }
}

const KEPT_BACK = 10_403
const UNASKED: RpcError = {
  code: KEPT_BACK,
  message: 'The server asked something that must not be shown here.',
}

/** What the server says while its call runs, and what it is answered. */
function listening(heard: Hearing, exchange: Exchange): Exchange {
  return {
    ...exchange,
    progress: (params) => {
      const { value, blocked } = outward(heard, params)
      const { progress, total } = params
      const counted = { progress, ...(total === undefined ? {} : { total }) }
      exchange.progress(blocked.length > 0 ? counted : value)
    },
    log: (params) => {
      const { value, blocked } = outward(heard, params)
      if (blocked.length === 0) exchange.log(value)
    },
    ask: async (request, signal): Promise<InputAnswer> => {
      const asked = question(heard, request)
      if (!asked) return { kind: 'error', error: UNASKED }
      const answer = await exchange.ask(asked, signal)
      if (answer.kind === 'error') return answer
      const { value, blocked } = inward(heard, answer.result)
      return blocked.length > 0
        ? { kind: 'error', error: { code: KEPT_BACK, message: 'The answer must not be sent.' } }
        : { kind: 'result', result: value }
    },
  }
}

/** Writes down which kinds were found, and how often, once for all that one call has said. */
async function told<Said>(heard: Hearing, said: Said): Promise<Said> {
  if (heard.given.length > 0) await note(heard, 'in', heard.given)
  if (heard.found.length > 0) await note(heard, 'out', heard.found)
  return said
}

async function note(
  { rooms, who, about, call }: Hearing,
  direction: 'in' | 'out',
  found: readonly Told[],
): Promise<void> {
  const done = (['block', 'mask'] as const).find((one) => found.some((each) => each.done === one))
  await rooms.ledger.note('call.screened', {
    call,
    principal: who.id,
    server: about.server,
    name: about.name ?? '',
    direction,
    found: { ...summed(found) },
    done: done ?? 'record',
  })
}

/** What a server says outside any call; undefined when nobody may hear it. */
export function screenedEvent(
  { redaction }: Pick<ScreeningRooms, 'redaction'>,
  server: string,
  event: UpstreamEvent,
): UpstreamEvent | undefined {
  if (event.kind !== 'log' || !redaction.isOn) return event
  const { value, blocked } = redaction.outward({ server, name: undefined }, event.params)
  return blocked.length > 0 ? undefined : { kind: 'log', params: value }
}
