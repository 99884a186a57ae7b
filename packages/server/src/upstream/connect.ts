import { Fault } from '@countersign/contract'
import type { Tracks } from '#telemetry'
import type { Answer } from './flight.ts'
import { complete, discover, initialize } from './handshake.ts'
import { makeLegacyLink } from './legacy-link.ts'
import type { Hop, Link } from './link.ts'
import { makeModernLink } from './modern-link.ts'
import { httpOptions, openWire, type WireRooms } from './open-wire.ts'
import { readProbe, type Verdict } from './read-probe.ts'
import { Rpc } from './rpc.ts'
import { openSse } from './sse-wire.ts'
import { trackOf } from './track.ts'
import type { Introduction, UpstreamEvent } from './upstream.ts'
import { describeStatus, upstreamFault } from './upstream-fault.ts'
import type { Wire } from './wire.ts'

/** How long an answer to the probe is waited for: silence is an answer too (S-016). */
const PROBE_MS = { stdio: 5_000, http: 5_000, sse: 5_000 } as const

export interface ConnectRooms extends WireRooms {
  /** Undefined where nobody listens. */
  readonly tracks?: Tracks | undefined
  readonly emit: (event: UpstreamEvent) => void
  readonly expired: (link: Link, fault: Fault) => void
  readonly ended: (link: Link, fault: Fault) => void
}

export interface Connection {
  readonly link: Link
  readonly rpc: Rpc
  readonly wire: Wire
  /** True when the era is certain enough to be remembered (H-016). */
  readonly sure: boolean
}

interface Opened {
  readonly rpc: Rpc
  readonly wire: Wire
}

/**
 * Reaches a server and learns its era: pinned, remembered as legacy, or by asking (S-012). A modern
 * memory is asked again anyway, since discovery is the handshake of that era.
 */
export async function connect(
  rooms: ConnectRooms,
  known: Introduction | undefined,
): Promise<Connection> {
  const { spec } = rooms
  await shows(rooms)
  const opened = await open(rooms)
  try {
    if (spec.transport.kind === 'sse') return await connectLegacy(rooms, opened)
    const era = spec.era === 'auto' ? known?.era : spec.era
    if (era === 'legacy') return await connectKnown(rooms, opened, known?.probedAt)
    return await connectUnknown(rooms, opened)
  } catch (error) {
    await opened.wire.close()
    throw error
  }
}

/** What has nothing to show does not begin: silence while a token is fetched would look like an era. */
async function shows({ credential, spec }: ConnectRooms): Promise<void> {
  if (!credential || spec.transport.kind === 'stdio') return
  await credential.show({ method: 'POST', url: spec.transport.url })
}

const newRpc = ({ world, log, spec, tracks }: ConnectRooms): Rpc =>
  new Rpc({ world, log, server: spec.id, track: tracks && trackOf(tracks, spec) })

async function open(rooms: ConnectRooms): Promise<Opened> {
  const rpc = newRpc(rooms)
  const wire = await openWire(rooms, rpc)
  rpc.attach(wire)
  return { rpc, wire }
}

async function connectUnknown(rooms: ConnectRooms, opened: Opened): Promise<Connection> {
  const { spec } = rooms
  const over = new AbortController()
  const asked = discover(opened.rpc, AbortSignal.any([rooms.signal, over.signal]))
  try {
    const verdict = await probe(rooms, opened, asked)
    switch (verdict.kind) {
      case 'modern':
        return makeConnection(rooms, opened, verdict.introduction, true)
      case 'unusable':
        throw verdict.why instanceof Fault ? verdict.why : unavailable(rooms, verdict.why)
      case 'again':
        throw unavailable(rooms, 'contradicts itself about what it speaks.')
      case 'exited':
        return await connectRespawned(rooms, opened)
      case 'legacy':
        if (spec.era === 'auto') return await connectSilent(rooms, opened, asked, verdict.sure)
        throw unavailable(rooms, 'does not speak the modern protocol.')
    }
  } finally {
    over.abort() // A late answer to the probe interests nobody (S-016).
  }
}

/** It exits on any request before `initialize` (S-015): not a crash, but a verdict. */
async function connectRespawned(rooms: ConnectRooms, { rpc }: Opened): Promise<Connection> {
  if (rooms.spec.era === 'modern') throw rpc.over ?? unavailable(rooms, 'exited.')
  const fresh = await open(rooms)
  return closingOnFailure(fresh, connectLegacy(rooms, fresh))
}

async function connectSilent(
  rooms: ConnectRooms,
  opened: Opened,
  asked: Promise<Answer>,
  sure: boolean,
): Promise<Connection> {
  const { world } = rooms
  const tried = await tryLegacy(rooms, opened, world.now())
  // Slow rather than silent: by now the answer to the probe may have come.
  const late = await Promise.race([asked, Promise.resolve(undefined)])
  const said = late && readProbe(late, world.now())
  const modern = said?.kind === 'modern' ? said.introduction : undefined
  if (tried.kind === 'connected') {
    return makeConnection(rooms, opened, tried.introduction, sure && !modern)
  }
  if (modern) return makeConnection(rooms, opened, modern, true)
  return fallBack(rooms, opened, tried.answer)
}

type ProbeVerdict = Verdict | { readonly kind: 'exited' }

async function probe(
  rooms: ConnectRooms,
  { rpc, wire }: Opened,
  asked: Promise<Answer>,
): Promise<ProbeVerdict> {
  const patient = rooms.spec.era === 'modern'
  const answer = await orSilence(rooms, asked, patient ? undefined : PROBE_MS[wire.kind])
  if (rpc.over && wire.kind === 'stdio') return { kind: 'exited' }
  // On stdio silence is a verdict (S-013); over HTTP it may be anything (H-016).
  if (!answer) return { kind: 'legacy', sure: wire.kind === 'stdio' }
  const verdict = readProbe(answer, rooms.world.now())
  if (verdict.kind !== 'again') return verdict
  // One corrective retry in a revision that it named (V-025).
  return readProbe(await discover(rpc, rooms.signal), rooms.world.now())
}

async function orSilence(
  { world }: ConnectRooms,
  asked: Promise<Answer>,
  ms: number | undefined,
): Promise<Answer | undefined> {
  if (ms === undefined) return asked
  const silence = Promise.withResolvers<undefined>()
  const clear = world.after(ms, () => silence.resolve(undefined))
  return Promise.race([asked, silence.promise]).finally(clear)
}

type Tried =
  | { readonly kind: 'connected'; readonly introduction: Introduction }
  | { readonly kind: 'refused'; readonly answer: Answer }

async function tryLegacy(
  { world, spec, signal }: ConnectRooms,
  { rpc }: Opened,
  probedAt: number,
): Promise<Tried> {
  const answer = await initialize(rpc, signal)
  if (answer.kind !== 'result') return { kind: 'refused', answer }
  const introduction = await complete({ world, server: spec.id }, rpc, answer.result, probedAt)
  return { kind: 'connected', introduction }
}

async function connectLegacy(rooms: ConnectRooms, opened: Opened): Promise<Connection> {
  const tried = await tryLegacy(rooms, opened, rooms.world.now())
  if (tried.kind === 'refused') throw refusal(rooms, tried.answer)
  return makeConnection(rooms, opened, tried.introduction, true)
}

/** Straight to `initialize`; when that is refused, what was remembered is wrong (H-016, Q-086). */
async function connectKnown(
  rooms: ConnectRooms,
  opened: Opened,
  probedAt: number | undefined,
): Promise<Connection> {
  const tried = await tryLegacy(rooms, opened, probedAt ?? rooms.world.now())
  if (tried.kind === 'connected') return makeConnection(rooms, opened, tried.introduction, true)
  const { answer } = tried
  if (rooms.spec.era === 'legacy') return fallBack(rooms, opened, answer)
  if (answer.kind === 'lost' && answer.status === undefined) throw answer.fault
  return connectUnknown(rooms, opened)
}

/** A server of 2024-11-05 refuses the POST and serves an event stream at the same place (H-088). */
async function fallBack(rooms: ConnectRooms, refused: Opened, answer: Answer): Promise<Connection> {
  const status = answer.kind === 'result' ? undefined : answer.status
  const { transport } = rooms.spec
  if (transport.kind !== 'http' || transport.process || ![400, 404, 405].includes(status ?? 0)) {
    throw refusal(rooms, answer)
  }
  const rpc = newRpc(rooms)
  let wire: Wire
  try {
    wire = await openSse(httpOptions(rooms), rpc, rooms.signal)
  } catch {
    throw refusal(rooms, answer) // The first refusal says more.
  }
  rpc.attach(wire)
  const connected = closingOnFailure({ rpc, wire }, connectLegacy(rooms, { rpc, wire }))
  const connection = await connected
  await refused.wire.close()
  // What answered was not the transport that was configured, so it is found out anew each time.
  return { ...connection, sure: false }
}

async function closingOnFailure(
  { wire }: Opened,
  connection: Promise<Connection>,
): Promise<Connection> {
  try {
    return await connection
  } catch (error) {
    await wire.close()
    throw error
  }
}

function refusal(rooms: ConnectRooms, answer: Answer): Fault {
  if (answer.kind === 'lost') return answer.fault
  if (answer.kind === 'result') return unavailable(rooms, 'did not complete the handshake.')
  const { status, error } = answer
  const what =
    status === undefined ? `refused the handshake (${error.code}).` : describeStatus(status)
  return unavailable(rooms, what)
}

const unavailable = ({ spec }: ConnectRooms, what: string): Fault =>
  upstreamFault('upstream/unavailable', spec.id, what)

function makeConnection(
  rooms: ConnectRooms,
  { rpc, wire }: Opened,
  introduction: Introduction,
  sure: boolean,
): Connection {
  const { world, log, spec, emit } = rooms
  if (rpc.over) throw rpc.over
  const hop: Hop = {
    world,
    log,
    server: spec.id,
    rpc,
    callTimeoutMs: spec.callTimeoutMs,
    emit,
    expired: (fault) => rooms.expired(link, fault),
    ended: (fault) => rooms.ended(link, fault),
  }
  const make = introduction.era === 'modern' ? makeModernLink : makeLegacyLink
  const link: Link = make(hop, introduction)
  return { link, rpc, wire, sure }
}
