import { Pool } from 'undici'
import type { World } from '#base'
import type { Log } from '#telemetry'
import type { Credential } from './credential.ts'
import type { HttpOptions } from './http-peer.ts'
import { openHttp } from './http-wire.ts'
import type { Keeper } from './keeper.ts'
import type { LastLines } from './last-lines.ts'
import { openSse } from './sse-wire.ts'
import { startChild, type RunningChild } from './start-child.ts'
import { openStdio } from './stdio-wire.ts'
import type { ProcessSpec, ServerSpec } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { Receiver, Wire } from './wire.ts'

/** How long a server that we start may take until it answers. */
const START_MS = 60_000
const PAUSE_MS = 100
const ATTEMPT_MS = 2_000

export interface WireRooms {
  readonly world: World
  readonly log: Log
  readonly keeper: Keeper
  readonly spec: ServerSpec
  readonly stderr: LastLines
  readonly credential: Credential | undefined
  /** Aborted when nobody wants the connection any more. */
  readonly signal: AbortSignal
}

export function openWire(rooms: WireRooms, receiver: Receiver): Wire | Promise<Wire> {
  const { spec } = rooms
  const { transport } = spec
  switch (transport.kind) {
    case 'stdio':
      return openStdio(
        {
          ...rooms,
          server: spec.id,
          process: transport.process,
          bytesMax: spec.messageBytesMax,
        },
        receiver,
      )
    case 'http':
      return transport.process
        ? openStarted(rooms, transport.process, receiver)
        : openHttp(httpOptions(rooms), receiver)
    case 'sse':
      return openSse(httpOptions(rooms), receiver, rooms.signal)
  }
}

export function httpOptions({ world, log, spec, credential }: WireRooms): HttpOptions {
  const { transport, id, messageBytesMax } = spec
  if (transport.kind === 'stdio') throw new TypeError('A stdio server has no URL.')
  const { url, headers } = transport
  return { world, log, server: id, url, headers, bytesMax: messageBytesMax, credential }
}

/** Starts the process that serves the URL, waits until it does, and ends it with the wire. */
async function openStarted(
  rooms: WireRooms,
  process: ProcessSpec,
  receiver: Receiver,
): Promise<Wire> {
  const { world, spec, stderr, signal } = rooms
  const child = startChild(rooms, process, stderr)
  // Not a channel here, but a full pipe would block it; kept with the rest of what it says.
  child.stdout.setEncoding('utf8').on('data', (text: string) => stderr.push(text))
  const options = httpOptions(rooms)
  let gone: string | undefined
  const watch = child.gone.then((how) => (gone = how))
  try {
    await untilAnswering(world, options.url, () => {
      const why = gone ?? (signal.aborted ? 'is closed' : undefined)
      if (why !== undefined) throw upstreamFault('upstream/unavailable', spec.id, `${why}.`)
    })
  } catch (error) {
    await child.stop()
    throw error
  }
  const wire = openHttp(options, receiver)
  void watch.then((how) => receiver.ended(upstreamFault('upstream/broken', spec.id, `${how}.`)))
  return { ...wire, pid: child.pid, close: () => closeBoth(wire, child) }
}

async function closeBoth(wire: Wire, child: RunningChild): Promise<void> {
  await wire.close()
  await child.stop()
}

/** Any answer at all will do; which one is for the handshake. */
async function untilAnswering(world: World, url: string, check: () => void): Promise<void> {
  const { origin, pathname } = new URL(url)
  const until = world.monotonic() + START_MS
  const pool = new Pool(origin, { headersTimeout: ATTEMPT_MS, bodyTimeout: ATTEMPT_MS })
  try {
    for (;;) {
      check()
      const last = world.monotonic() > until
      try {
        const { body } = await pool.request({ method: 'OPTIONS', path: pathname })
        await body.dump()
        return
      } catch (error) {
        // Connected, and taking its time: it is there.
        if (isSlow(error) || last) return
      }
      await world.wait(PAUSE_MS)
    }
  } finally {
    await pool.destroy()
  }
}

const isSlow = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'UND_ERR_HEADERS_TIMEOUT' || error.code === 'UND_ERR_BODY_TIMEOUT')
