import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  FAULTS,
  Fault,
  isModern,
  type RpcRequest,
  type RpcResponse,
  type Shape,
} from '@countersign/contract'
import type { Principal } from '#auth'
import type { World } from '#base'
import {
  batchFault,
  failure,
  faultError,
  headerAt,
  read,
  type AskedBy,
  type Gateway,
  type Incoming,
  type Session,
} from '#gateway'
import type { View } from '#registry'
import type { Telemetry } from '#telemetry'
import { readJson } from './body.ts'
import { accepts, isJson } from './media.ts'
import { challenge, type Protection } from './protect.ts'
import { methodNotAllowed, sayWhen } from './refusal.ts'
import { modernStream, Reply, sinkOf, type Stream } from './reply.ts'

export interface McpRooms {
  readonly world: World
  readonly telemetry: Pick<Telemetry, 'refused'>
  readonly gateway: Gateway
  readonly limits: { readonly bodyBytesMax: number; readonly depthMax: number }
  readonly who: Principal
  readonly view: View
  readonly protection: Protection | undefined
  /** The network address that a request comes from, as far as we can know it. */
  readonly callerAt: (request: IncomingMessage) => string | undefined
  /** This request stays open on purpose: it is no longer one of those under way. */
  readonly stays: () => void
}

const SESSION = 'mcp-session-id'
const COMMENT_EVERY_MS = 15_000

/** One HTTP request to one view (Streamable HTTP of every revision we serve). */
export async function serveMcp(
  rooms: McpRooms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  endWhenRevoked(rooms, response)
  if (request.method === 'POST') return post(rooms, request, response)
  if (request.method === 'GET') return get(rooms, request, response)
  if (request.method !== 'DELETE') throw methodNotAllowed(response, 'GET, POST, DELETE')
  // H-052: the modern era has no sessions to end.
  if (isModern(headerAt(request.headers, 'mcp-protocol-version'))) {
    throw methodNotAllowed(response, 'POST')
  }
  rooms.gateway.endSession(await sessionOf(rooms, request))
  response.writeHead(204)
  response.end()
}

async function post(
  rooms: McpRooms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isJson(request.headers['content-type'])) {
    throw new Fault('http/media-type', 'Send application/json.')
  }
  const incoming = read(await readJson(request, rooms.limits), request.headers)
  switch (incoming.kind) {
    case 'fault':
      send(
        response,
        FAULTS[incoming.fault.code].http,
        failure(incoming.id, faultError(incoming.fault)),
      )
      return
    case 'modern':
      return postModern(rooms, incoming, request, response)
    case 'modern-notification':
      // H-042: no modern notification means anything over HTTP; ids of strangers coincide.
      accepted(response)
      return
    case 'legacy':
    case 'batch':
      requireBoth(request)
      return incoming.kind === 'batch'
        ? postBatch(rooms, incoming.messages, request, response)
        : postLegacy(rooms, incoming.message, request, response)
  }
}

async function postModern(
  rooms: McpRooms,
  { request, envelope }: Extract<Incoming, { kind: 'modern' }>,
  http: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { json, stream } = accepts(http.headers.accept)
  if (!json && !stream) {
    throw new Fault('http/not-acceptable', 'Accept application/json or text/event-stream.')
  }
  if (request.method === 'subscriptions/listen' && !stream) {
    // AM-32: a stream is never opened to a client that does not take one.
    throw new Fault('http/not-acceptable', 'A subscription is a stream: accept text/event-stream.')
  }
  const { revision, clientInfo } = envelope
  if (await isHeldBack(rooms, [request], { revision, clientInfo }, response)) return
  if (request.method === 'subscriptions/listen') rooms.stays()
  const abort = new AbortController()
  // H-050: the client closing the stream is the cancellation of this era.
  response.once('close', () => {
    if (!response.writableFinished) abort.abort()
  })
  if (request.method === 'subscriptions/listen') {
    endWithToken(rooms, response, () => {
      abort.abort()
    })
  }
  const reply = new Reply(response, rooms.world, stream ? modernStream : undefined)
  const { who, view } = rooms
  const served = await rooms.gateway.modern({
    who,
    view,
    request,
    envelope,
    headers: http.headers,
    address: rooms.callerAt(http),
    channel: reply,
    signal: abort.signal,
  })
  if (served.fault) sayWhen(response, served.fault)
  const status = served.fault ? FAULTS[served.fault.code].http : 200
  reply.finish(served.response, status)
}

async function postLegacy(
  rooms: McpRooms,
  shape: Exclude<Shape, { kind: 'invalid' }>,
  http: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (shape.kind === 'request' && shape.message.method === 'initialize') {
    return initialize(rooms, shape.message, http, response)
  }
  const session = await sessionOf(rooms, http)
  if (shape.kind === 'response') {
    session.receive(shape.message)
    accepted(response)
  } else if (shape.kind === 'notification') {
    rooms.gateway.notice(session, shape.message)
    accepted(response)
  } else {
    if (await isHeldBack(rooms, [shape.message], session.facts, response)) return
    const reply = replyFor(rooms, session, response)
    const from = { headers: http.headers, address: rooms.callerAt(http) }
    const served = await rooms.gateway.legacy(session, rooms.who, shape.message, reply, from)
    if (served.fault) sayWhen(response, served.fault)
    reply.finish(served.response, served.fault ? FAULTS[served.fault.code].legacy : 200)
  }
}

async function initialize(
  rooms: McpRooms,
  message: RpcRequest,
  http: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const by = { revision: '2025-11-25', clientInfo: undefined } as const
  if (await isHeldBack(rooms, [message], by, response)) return
  const { who, view } = rooms
  const from = { headers: http.headers, address: rooms.callerAt(http) }
  const initialized = await rooms.gateway.initialize(who, view, message, from)
  response.setHeader('Mcp-Session-Id', initialized.session.id)
  send(response, 200, initialized.response)
}

/** Batches exist in 2025-03-26 only (H-060, H-061). */
async function postBatch(
  rooms: McpRooms,
  shapes: readonly Shape[],
  http: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const session = await sessionOf(rooms, http)
  const requests = shapes.flatMap((shape) => (shape.kind === 'request' ? [shape.message] : []))
  const wrong = batchFault(session, shapes)
  if (wrong) throw wrong
  for (const shape of shapes) {
    if (shape.kind === 'response') session.receive(shape.message)
    if (shape.kind === 'notification') rooms.gateway.notice(session, shape.message)
  }
  const invalid = shapes.flatMap((shape): readonly RpcResponse[] =>
    shape.kind === 'invalid'
      ? [failure(shape.id, faultError(new Fault('rpc/invalid', shape.why)))]
      : [],
  )
  if (requests.length === 0 && invalid.length === 0) {
    accepted(response)
    return
  }
  if (await isHeldBack(rooms, requests, session.facts, response)) return
  const reply = replyFor(rooms, session, response)
  const from = { headers: http.headers, address: rooms.callerAt(http) }
  const served = await Promise.all(
    requests.map((request) => rooms.gateway.legacy(session, rooms.who, request, reply, from)),
  )
  const answers = served.flatMap((one) => (one.response ? [one.response] : []))
  const all = [...invalid, ...answers]
  // Of a batch whose requests were all cancelled nothing is left to say.
  reply.finish(all.length > 0 ? all : undefined, 200)
}

/**
 * Whether scopes do not reach so far, which is then answered: as a status, so before anything that
 * could become a stream. Nothing of a batch is done when one of it may not be.
 */
async function isHeldBack(
  { gateway, who, view, protection, telemetry }: McpRooms,
  requests: readonly RpcRequest[],
  { revision, clientInfo }: AskedBy,
  response: ServerResponse,
): Promise<boolean> {
  if (who.proof === 'local' || !protection) return false
  for (const request of requests) {
    const held = await gateway.admit({ who, view, request, revision, clientInfo })
    if (!held) continue
    if (held.fault) telemetry.refused(held.fault.code)
    // Of the modern era no client refreshes where it is told to ask.
    if (held.fault && !isModern(revision)) await protection.guard.askMore(who)
    if (held.fault) challenge(protection, held.fault, view.id, response, who)
    send(response, held.fault ? FAULTS[held.fault.code].http : 200, held.response)
    return true
  }
  return false
}

/** What waits for news waits no longer than its token is good for; a client comes back with a new one. */
function endWithToken({ who, world }: McpRooms, response: ServerResponse, end: () => void): void {
  if (who.proof === 'local') return
  const stop = world.after(Math.min(who.expiresAt - world.now(), TIMER_MS_MAX), end)
  response.once('close', stop)
}

/** Whoever is revoked is told nothing more, whatever was begun before: a call of theirs is cancelled. */
function endWhenRevoked({ who, protection }: McpRooms, response: ServerResponse): void {
  if (who.proof === 'local' || !protection) return
  const end = (): void => {
    response.destroy()
  }
  response.once('close', protection.guard.revocations.whenRevoked(who, end))
}
/** A longer timer goes off at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** A reply whose stream can be resumed: it belongs to the session, not to the connection. */
function replyFor(rooms: McpRooms, session: Session, response: ServerResponse): Reply {
  if (!session.hasRoom) {
    throw new Fault('http/busy', 'Too many requests of this session are under way. Try again soon.')
  }
  const open = (sinkOnce: Parameters<typeof modernStream>[0]): Stream => {
    const stream = session.openStream()
    const sink = sinkOnce()
    stream.attach(sink)
    // H-065: older clients choke on an event without data; only a primed stream can be let go of.
    const isPrimed = session.facts.revision === '2025-11-25'
    if (isPrimed) stream.prime()
    response.once('close', () => {
      stream.detach(sink)
    })
    return {
      send: (message) => {
        stream.send(message)
      },
      comment: (text) => {
        stream.comment(text)
      },
      ...(isPrimed
        ? {
            pause: (retryMs: number) => {
              stream.disconnect(retryMs)
            },
          }
        : {}),
      end: () => {
        stream.end()
      },
    }
  }
  return new Reply(response, rooms.world, open)
}

/** The standalone stream of a session, or the rest of one that broke (2025-11-25 Resumability). */
async function get(
  rooms: McpRooms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const version = headerAt(request.headers, 'mcp-protocol-version')
  // H-052: there is nothing to GET in the modern era; without a session neither in the other.
  if (isModern(version) || request.headers[SESSION] === undefined) {
    throw methodNotAllowed(response, 'POST')
  }
  if (!accepts(request.headers.accept).stream) {
    throw new Fault('http/accept', 'Accept text/event-stream.')
  }
  const session = await sessionOf(rooms, request)
  const { stream, after, isListening } = streamFor(
    session,
    headerAt(request.headers, 'last-event-id'),
  )
  rooms.stays()
  endWithToken(rooms, response, () => {
    response.end()
  })
  const sink = sinkOf(response)
  if (isListening) session.listening = stream
  stream.attach(sink, after)
  rooms.gateway.watching()
  const beat = (): (() => void) =>
    rooms.world.after(COMMENT_EVERY_MS, () => {
      stream.comment('still here')
      stopBeat = beat()
    })
  let stopBeat = beat()
  response.once('close', () => {
    stopBeat()
    stream.detach(sink)
    // It stays the session's own: a client that comes back to it goes on hearing (H-074).
    if (isListening && !stream.isAttached) rooms.gateway.watching()
  })
}

interface Resumed {
  readonly stream: ReturnType<Session['openStream']>
  readonly after: number | undefined
  readonly isListening: boolean
}

/** An event id that is not known any more gets a fresh stream: refusing it strands v1 clients (H-076). */
function streamFor(session: Session, lastEventId: string | undefined): Resumed {
  const resumed = lastEventId === undefined ? undefined : session.resume(lastEventId)
  if (resumed) return { ...resumed, isListening: resumed.stream === session.listening }
  session.listening?.end()
  return { stream: session.openStream(), after: undefined, isListening: true }
}

/** The session of a legacy request, whose id and version header must both be right (H-078, H-082). */
async function sessionOf(
  { gateway, who, view }: McpRooms,
  request: IncomingMessage,
): Promise<Session> {
  const id = headerAt(request.headers, SESSION)
  if (id === undefined) {
    throw new Fault(
      'session/required',
      'Send initialize first, then Mcp-Session-Id with every request.',
    )
  }
  const session = await gateway.session(who, view, id)
  if (!session) {
    throw new Fault(
      'session/unknown',
      'This session has ended or never was. Send initialize again.',
    )
  }
  const version = headerAt(request.headers, 'mcp-protocol-version')
  if (version !== undefined && version !== session.facts.revision) {
    throw new Fault(
      'session/required',
      `MCP-Protocol-Version must be ${session.facts.revision}, the revision of this session.`,
    )
  }
  return session
}

/** Legacy clients must take both forms (H-024); v1 answers 406 otherwise (H-025). */
function requireBoth(request: IncomingMessage): void {
  const { json, stream } = accepts(request.headers.accept)
  if (json && stream) return
  throw new Fault('http/accept', 'Accept both application/json and text/event-stream.')
}

function accepted(response: ServerResponse): void {
  response.writeHead(202)
  response.end()
}

function send(response: ServerResponse, status: number, message: RpcResponse): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(message))
}
