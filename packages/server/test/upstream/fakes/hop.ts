import type { JsonObject } from '@countersign/contract'
import { silentLog } from '#telemetry'
import type { UpstreamEvent } from '#upstream'
import type { Hop } from '../../../src/upstream/link.ts'
import { Rpc } from '../../../src/upstream/rpc.ts'
import type { Wire } from '../../../src/upstream/wire.ts'
import { makeWorld, type FakeWorld } from './world.ts'

export interface FakeHop extends Hop {
  readonly world: FakeWorld
  /** What was sent, parsed, oldest first. */
  readonly sent: JsonObject[]
  readonly events: UpstreamEvent[]
  readonly forgotten: number[]
  readonly listening: boolean[]
  readonly expirations: string[]
  readonly last: () => JsonObject
  /** Brings a message in; `lane` as over HTTP. */
  readonly bring: (message: JsonObject, lane?: number) => void
  /** Answers the last request of this method. */
  readonly answer: (method: string, result: JsonObject) => void
}

/** JSON-RPC over a wire that leads nowhere. */
export function makeHop(kind: Wire['kind'] = 'stdio'): FakeHop {
  const world = makeWorld()
  const rpc = new Rpc({ world, log: silentLog, server: 'peer' })
  const sent: JsonObject[] = []
  const events: UpstreamEvent[] = []
  const forgotten: number[] = []
  const listening: boolean[] = []
  const expirations: string[] = []
  rpc.attach({
    kind,
    pid: undefined,
    send: (parcel) => {
      if (parcel.id !== undefined) rpc.leaving(parcel.id)
      sent.push(JSON.parse(parcel.text))
      parcel.taken?.()
    },
    forget: (id) => void forgotten.push(id),
    listen: (open) => void listening.push(open),
    close: async () => undefined,
  })
  const bring = (message: JsonObject, lane?: number): void => {
    const whole = { jsonrpc: '2.0', ...message }
    rpc.receive(whole, JSON.stringify(whole), lane)
  }
  return {
    world,
    log: silentLog,
    server: 'peer',
    rpc,
    callTimeoutMs: 10_000,
    emit: (event) => void events.push(event),
    expired: (fault) => void expirations.push(fault.message),
    ended: () => undefined,
    sent,
    events,
    forgotten,
    listening,
    expirations,
    last: () => sent.at(-1) ?? {},
    bring,
    answer: (method, result) => {
      const id = sent.findLast((message) => message['method'] === method)?.['id']
      bring({ id: id ?? null, result })
    },
  }
}

/** Lets everything that is only waiting for its turn happen. */
export const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

export const introduction = (era: 'legacy' | 'modern', capabilities: JsonObject) => ({
  era,
  revision: era === 'legacy' ? ('2025-11-25' as const) : ('2026-07-28' as const),
  capabilities,
  serverInfo: {},
  instructions: undefined,
  probedAt: 0,
})
