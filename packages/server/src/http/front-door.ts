import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { FAULTS, Fault, toFault } from '@countersign/contract'
import type { Authenticate } from '#auth'
import type { World } from '#base'
import { failure, faultError, type Gateway } from '#gateway'
import type { Log } from '#telemetry'
import { checkCaller, corsHeaders, type Hosts } from './callers.ts'
import { serveMcp } from './mcp.ts'

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
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

export interface FrontDoorRooms {
  readonly world: World
  readonly log: Log
  readonly gateway: Gateway
  readonly authenticate: Authenticate
  readonly limits: HttpLimits
  readonly hosts: Hosts
  readonly routes: readonly Route[]
  readonly isReady: () => boolean
}

export interface FrontDoor {
  readonly port: number
  readonly server: Server
  /** Lets nobody in any more, waits for what is under way, then ends what is left. */
  readonly close: () => Promise<void>
}

const MCP = '/mcp'
const KEEP_ALIVE_MS = 65_000

/** Listens, and sends each request to what answers it. The one catch of the program is in here. */
export async function openFrontDoor(
  rooms: FrontDoorRooms,
  listen: { readonly host: string; readonly port: number },
): Promise<FrontDoor> {
  const { limits } = rooms
  const door = { isClosing: false, inFlight: 0 }
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      requestTimeout: limits.requestReadMs,
      headersTimeout: limits.requestReadMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
    },
    (request, response) => {
      door.inFlight++
      response.once('close', () => {
        door.inFlight--
      })
      answer(rooms, door, request, response).catch((thrown: unknown) => {
        refuse(rooms, response, toFault(thrown))
      })
    },
  )
  server.maxConnections = limits.connectionsMax
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  }).catch((cause: unknown) => {
    throw cannotListen(listen, cause)
  })
  const address = server.address()
  return {
    server,
    port: typeof address === 'object' && address ? address.port : listen.port,
    close: async () => {
      door.isClosing = true
      rooms.gateway.drain()
      server.closeIdleConnections()
      const closed = new Promise((resolve) => server.close(resolve))
      const stopTimer = rooms.world.after(limits.closeMs, () => {
        server.closeAllConnections()
      })
      await closed
      stopTimer()
    },
  }
}

interface Door {
  readonly isClosing: boolean
  readonly inFlight: number
}

async function answer(
  rooms: FrontDoorRooms,
  door: Door,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  if (path === '/healthz' || path === '/readyz') {
    const isFine = path === '/healthz' || (rooms.isReady() && !door.isClosing)
    response.writeHead(isFine ? 200 : 503, { 'content-type': 'text/plain' })
    response.end(isFine ? 'ok\n' : 'not ready\n')
    return
  }
  const origin = checkCaller(rooms.hosts, request.headers)
  for (const [name, value] of Object.entries(corsHeaders(origin))) response.setHeader(name, value)
  if (request.method === 'OPTIONS') {
    response.writeHead(204)
    response.end()
    return
  }
  if (door.isClosing) throw new Fault('http/closing', 'Countersign is stopping. Try again soon.')
  if (door.inFlight > rooms.limits.requestsInFlightMax) {
    throw new Fault('http/busy', 'Too many requests are under way. Try again soon.')
  }
  if (path === MCP || path.startsWith(`${MCP}/`)) return toView(rooms, path, request, response)
  const route = rooms.routes.find((one) => one.path === path)
  if (!route) throw new Fault('http/not-found', `Nothing is served at ${path.slice(0, 100)}.`)
  if (route.method !== request.method) throw methodNotAllowed(response, route.method)
  return route.answer(request, response)
}

async function toView(
  rooms: FrontDoorRooms,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const who = rooms.authenticate(request.headers.authorization)
  const view = rooms.gateway.view(path.slice(MCP.length + 1))
  if (!view) {
    throw new Fault('http/not-found', 'There is no such view. /mcp serves all servers at once.')
  }
  return serveMcp({ ...rooms, who, view }, request, response)
}

export function methodNotAllowed(response: ServerResponse, allowed: string): Fault {
  response.setHeader('allow', allowed)
  return new Fault('http/method', `Only ${allowed} is served here.`)
}

const RETRY_AFTER_S = '1'

/** A fault as the response, if there is still one to give. */
function refuse({ log }: FrontDoorRooms, response: ServerResponse, fault: Fault): void {
  if (fault.code === 'server/bug') log.error({ cause: String(fault.cause) }, 'a bug')
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { http, retry } = FAULTS[fault.code]
  // AM-40: a body with a code of our own, and when to come back.
  if (retry) response.setHeader('retry-after', RETRY_AFTER_S)
  // What is left of a refused body is not read: the connection cannot serve another request.
  if (!response.req.complete) response.setHeader('connection', 'close')
  response.writeHead(http, { 'content-type': 'application/json' })
  response.end(JSON.stringify(failure(undefined, faultError(fault))))
}

function cannotListen(listen: { readonly host: string; readonly port: number }, cause: unknown): Fault {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const where = `${listen.host}:${String(listen.port)}`
  const why =
    code === 'EADDRINUSE'
      ? `${where} is in use. Stop what listens there, or set listen.port to another port.`
      : `${where} cannot be listened on (${code}). Check listen.host and listen.port.`
  return new Fault('config/invalid', why, { cause })
}
