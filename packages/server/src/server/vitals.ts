import type { Approvals } from '#approvals'
import type { Gateway } from '#gateway'
import type { Reading, Vital } from '#telemetry/otel'
import type { Fleet, UpstreamStatus } from '#upstream'
import type { Foundation } from './foundation.ts'

const MS_PER_S = 1_000

/** The parts of the house that have figures to show. */
export interface Vitals extends Pick<Foundation, 'world' | 'tree' | 'ledger' | 'brakes'> {
  readonly approvals: Pick<Approvals, 'list'>
  readonly gateway: Pick<Gateway, 'figures'>
  readonly fleet: Pick<Fleet, 'faces'>
  /** Undefined where nothing is handed on. */
  readonly feeds?: {
    readonly figures: () => Promise<{
      readonly behind: Readonly<Record<string, number>>
      readonly dead: number
      readonly streams: number
    }>
  }
}

/** Each looks at one part: what cannot be read takes nothing else with it. */
export function vitalsOf(house: Vitals): readonly Vital[] {
  const { world, fleet, brakes } = house
  const ageS = (since: number | undefined): number =>
    since === undefined ? 0 : Math.max(0, world.now() - since) / MS_PER_S
  return [
    () => [...fleet.faces].flatMap(([id, upstream]) => upstreamReadings(id, upstream.status())),
    () => {
      const all = brakes.list()
      const oldest = all.length === 0 ? undefined : Math.min(...all.map(({ at }) => at))
      return [
        { of: 'brakes', value: all.length },
        { of: 'brakesAge', value: ageS(oldest) },
      ]
    },
    () => approvalReadings(house, ageS),
    () => ledgerReadings(house, ageS),
    () => clientReadings(house),
    () => feedReadings(house),
  ]
}

const STATES = ['working', 'waiting', 'unknown'] as const

/** Out of reach is what we tried and could not: a server that nobody needs is not started. */
function upstreamReadings(id: string, status: UpstreamStatus): readonly Reading[] {
  const isOut = status.state === 'backoff'
  return [
    { of: 'upstreamUp', label: id, value: isOut ? 0 : 1 },
    { of: 'upstreamRestarts', label: id, value: status.restarts },
    { of: 'upstreamInFlight', label: id, value: status.inFlight },
  ]
}

async function approvalReadings(
  { approvals }: Vitals,
  ageS: (since: number | undefined) => number,
): Promise<readonly Reading[]> {
  const open = (await approvals.list()).filter(({ state }) => state === 'open')
  const oldest = open.length === 0 ? undefined : Math.min(...open.map(({ createdAt }) => createdAt))
  return [
    { of: 'approvalsOpen', value: open.length },
    { of: 'approvalsAge', value: ageS(oldest) },
  ]
}

async function ledgerReadings(
  { tree, ledger }: Vitals,
  ageS: (since: number | undefined) => number,
): Promise<readonly Reading[]> {
  const { entries, signed, waitsSince } = await tree.standing()
  return [
    { of: 'ledgerEntries', value: signed },
    { of: 'ledgerUnsigned', value: entries - signed },
    { of: 'checkpointAge', value: ageS(waitsSince) },
    { of: 'ledgerOwed', value: ledger.owed() },
  ]
}

async function clientReadings({ gateway }: Vitals): Promise<readonly Reading[]> {
  const { sessions, streams, tasks } = await gateway.figures()
  return [
    ...STATES.map((state): Reading => ({ of: 'tasks', label: state, value: tasks[state] ?? 0 })),
    { of: 'sessions', value: sessions },
    { of: 'streams', label: 'mcp', value: streams },
  ]
}

async function feedReadings({ feeds }: Vitals): Promise<readonly Reading[]> {
  if (!feeds) return []
  const { behind, dead, streams } = await feeds.figures()
  const lags = Object.entries(behind)
  return [
    ...lags.map(([label, value]): Reading => ({ of: 'feedLag', label, value })),
    { of: 'deadLetters', value: dead },
    { of: 'streams', label: 'events', value: streams },
  ]
}
