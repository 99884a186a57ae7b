import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, type FaultCode } from '@countersign/contract'
import type { FoldedNotes } from '#audit'
import { localAuthenticator, type Principal } from '#auth'
import type { World } from '#base'
import type { Gateway } from '#gateway'
import type { Log, Telemetry } from '#telemetry'
import { readJson } from './body.ts'
import { checkCaller, corsHeaders, type Hosts } from './callers.ts'
import { serveMcp } from './mcp.ts'
import {
  challenge,
  describe,
  knockOf,
  renewNonce,
  viewDescribedAt,
  type Protection,
} from './protect.ts'
import { methodNotAllowed } from './refusal.ts'

/** The most that clients may use of us; each is a field of the configuration with its reason. */
export interface HttpLimits {
  readonly bodyBytesMax: number
  readonly headerBytesMax: number
  readonly depthMax: number
  readonly connectionsMax: number
  readonly requestsInFlightMax: number
  readonly requestReadMs: number
  readonly closeMs: number
}

/** Anything but MCP: a path, and what answers it. */
export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** `body` reads what was sent, within the limits; nothing is read of what nobody asks for. */
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    body: () => Promise<unknown>,
  ) => Promise<void>
}

/** Whatever is below paths of its own: it reads what was sent, within its own limits, and answers. */
export interface Mount {
  readonly owns: (path: string) => boolean
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    stays: Visit['stays'],
  ) => Promise<void>
}

export interface FrontDoorRooms {
  readonly world: World
  readonly log: Log
  readonly telemetry: Pick<Telemetry, 'refused'>
  readonly gateway: Gateway
  /** Undefined in local mode, where whoever can connect is the principal. */
  readonly protection: Protection | undefined
  /** Where it is written down who could not prove who they are. */
  readonly strangers?: Pick<FoldedNotes, 'note'>
  /** The network address that a request comes from, as far as we can know it. */
  readonly callerAt: (request: IncomingMessage) => string | undefined
  readonly limits: HttpLimits
  readonly hosts: Hosts
  readonly routes: readonly Route[]
  readonly mounts: readonly Mount[]
}

/** How it stands with the door: whether it closes, and how many are inside. */
export interface Door {
  readonly isClosing: boolean
  readonly inFlight: number
}

/** One request, as the door counts it. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Streams that wait for news have a limit of their own, and take no place from calls (L-011). */
  readonly stays: () => void
}

const MCP = '/mcp'

/** Sends one request to what answers it. Rejects with the fault to answer otherwise. */
export async function route(rooms: FrontDoorRooms, door: Door, visit: Visit): Promise<void> {
  const { request, response } = visit
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  if (path === '/healthz' || path === '/readyz') return health(path, door, response)
  if (isPreflight(rooms, visit)) return
  letIn(rooms.limits, door)
  if (path === MCP || path.startsWith(`${MCP}/`)) return toView(rooms, path, visit)
  if (isDescribed(rooms, path, visit)) return
  const mount = rooms.mounts.find((one) => one.owns(path))
  if (mount) return mount.answer(request, response, visit.stays)
  const found = rooms.routes.find((one) => one.path === path)
  if (!found) throw new Fault('http/not-found', `Nothing is served at ${path.slice(0, 100)}.`)
  if (found.method !== request.method) throw methodNotAllowed(response, found.method)
  return found.answer(request, response, () => readJson(request, rooms.limits))
}

/** Says what pages of which origin may do. True for a question about just that, which is answered. */
function isPreflight({ hosts }: FrontDoorRooms, { request, response }: Visit): boolean {
  const origin = checkCaller(hosts, request.headers)
  const wanted = request.headers['access-control-request-headers']
  for (const [name, value] of Object.entries(corsHeaders(origin, wanted))) {
    response.setHeader(name, value)
  }
  if (request.method !== 'OPTIONS') return false
  response.writeHead(204)
  response.end()
  return true
}

/** Answers who asks how to be let into a view. False when the path is no such question. */
function isDescribed(
  { gateway, protection }: FrontDoorRooms,
  path: string,
  { request, response }: Visit,
): boolean {
  if (!protection) return false
  const id = viewDescribedAt(path)
  const view = id === undefined ? undefined : gateway.view(id)
  if (!view) return false
  if (request.method !== 'GET') throw methodNotAllowed(response, 'GET')
  describe(protection, view, request, response)
  return true
}

function letIn({ requestsInFlightMax }: HttpLimits, door: Door): void {
  if (door.isClosing) throw new Fault('http/closing', 'Countersign is stopping. Try again soon.')
  if (door.inFlight > requestsInFlightMax) {
    throw new Fault('http/busy', 'Too many requests are under way. Try again soon.')
  }
}

/** The process lives; and, for readiness, it also takes calls. */
function health(path: '/healthz' | '/readyz', door: Door, response: ServerResponse): void {
  const isFine = path === '/healthz' || !door.isClosing
  response.writeHead(isFine ? 200 : 503, { 'content-type': 'text/plain' })
  response.end(isFine ? 'ok\n' : 'closing\n')
}

async function toView(
  rooms: FrontDoorRooms,
  path: string,
  { request, response, stays }: Visit,
): Promise<void> {
  const view = rooms.gateway.view(path.slice(MCP.length + 1))
  if (!view) {
    throw new Fault('http/not-found', 'There is no such view. /mcp serves all servers at once.')
  }
  const who = await whoAsks(rooms, view.id, request, response)
  return serveMcp({ ...rooms, who, view, stays }, request, response)
}

/** Whoever is refused so showed something that proves nothing: a signature, an issuer, a key. */
const UNPROVEN: ReadonlySet<FaultCode> = new Set<FaultCode>(['auth/token', 'auth/proof'])

/** RS10: on each request alike, whatever its method, and before anything of its body is read. */
async function whoAsks(
  { protection, log, strangers }: FrontDoorRooms,
  view: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Principal> {
  if (!protection) return localAuthenticator()
  try {
    const knock = knockOf(protection, request, view)
    const who = await protection.guard.authenticate(knock)
    renewNonce(protection, knock, response)
    return who
  } catch (thrown) {
    if (thrown instanceof Fault) {
      log.debug({ view, code: thrown.code, why: thrown.message }, 'not let in')
      challenge(protection, thrown, view, response)
      // AU-003: a proof that does not hold, not the lack of one.
      if (UNPROVEN.has(thrown.code)) {
        strangers?.note('caller.refused', { code: thrown.code, why: thrown.message, view })
      }
    }
    throw thrown
  }
}
