import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { FAULTS, toFault, type Fault } from '@countersign/contract'
import { failure, faultError } from '#gateway'
import { listenOn } from './listen-on.ts'
import { sayWhen } from './refusal.ts'
import { route, type FrontDoorRooms } from './routes.ts'

export interface FrontDoor {
  readonly port: number
  readonly server: Server
  /** Aborted when the door begins to close: connections that were upgraded end by it. */
  readonly closing: AbortSignal
  /** Lets nobody in any more, waits for what is under way, then ends what is left. */
  readonly close: () => Promise<void>
}

interface Listen {
  readonly host: string
  readonly port: number
}

/** The one protocol that connections may be upgraded to: a relayed pipe. */
export const UPGRADE = 'countersign-stdio'
const KEEP_ALIVE_MS = 65_000
const FIELDS = { port: 'listen.port', address: 'listen.host and listen.port' }

/** Listens, and answers every request. The one catch of the program is in here. */
export async function openFrontDoor(rooms: FrontDoorRooms, listen: Listen): Promise<FrontDoor> {
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
      // Java and curl offer h2c with every request: what we do not upgrade is answered as it is.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade === UPGRADE,
    },
    (request, response) => {
      door.inFlight++
      let isCounted = true
      const stays = (): void => {
        if (isCounted) door.inFlight--
        isCounted = false
      }
      response.once('close', () => {
        stays()
        // A stream that ended leaves its connection idle, and nothing more is wanted of it.
        if (door.isClosing) setImmediate(() => server.closeIdleConnections())
      })
      route(rooms, door, { request, response, stays }).catch((thrown: unknown) => {
        refuse(rooms, response, toFault(thrown))
      })
    },
  )
  const silent = silentSockets(server)
  const closing = new AbortController()
  server.maxConnections = limits.connectionsMax
  const port = await listenOn(server, listen, FIELDS)
  return {
    server,
    port,
    closing: closing.signal,
    close: async () => {
      door.isClosing = true
      closing.abort()
      rooms.gateway.drain()
      const closed = new Promise((resolve) => server.close(resolve))
      const stopTimer = rooms.world.after(limits.closeMs, () => {
        server.closeAllConnections()
      })
      const stopSweeping = sweepIdle(rooms, server, silent)
      await closed
      stopTimer()
      stopSweeping()
    },
  }
}

const SWEEP_MS = 50

/** A connection that was busy when we began to close is idle a moment later, and would stay open. */
function sweepIdle(
  { world }: FrontDoorRooms,
  server: Server,
  silent: ReadonlySet<Socket>,
): () => void {
  const sweep = (): (() => void) => {
    server.closeIdleConnections()
    for (const socket of silent) if (socket.bytesRead === 0) socket.destroy()
    return world.after(SWEEP_MS, () => {
      stop = sweep()
    })
  }
  let stop = sweep()
  return () => {
    stop()
  }
}

/**
 * Connections that were opened ahead of need, as browsers and pools do. Node takes one on which nothing
 * was said yet for busy, and closing would wait for it.
 */
function silentSockets(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>()
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }) => void silent.delete(socket))
  return silent
}

/** A fault as the response, if there is still one to give. */
function refuse(rooms: FrontDoorRooms, response: ServerResponse, fault: Fault): void {
  const { log, telemetry } = rooms
  telemetry.refused(fault.code)
  if (fault.code === 'server/bug') log.error({ cause: String(fault.cause) }, 'a bug')
  if (response.headersSent) {
    response.destroy()
    return
  }
  sayWhen(response, fault)
  // What is left of a refused body is not read: the connection cannot serve another request.
  if (!response.req.complete) response.setHeader('connection', 'close')
  response.writeHead(FAULTS[fault.code].http, { 'content-type': 'application/json' })
  response.end(JSON.stringify(failure(undefined, faultError(fault))))
}
