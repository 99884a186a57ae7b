import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api'
import type { Called, Came } from '../telemetry.ts'
import { methodOf, reasonOf, type ToolLabels } from './labels.ts'
import { ATTRIBUTES, DURATION_BUCKETS, MEASURED } from './names.ts'

const MS_PER_S = 1_000

/** What is counted as it happens. */
export interface Measures {
  readonly served: (ms: number, labels: Attributes) => void
  readonly sent: (ms: number, labels: Attributes) => void
  readonly called: (ms: number, called: Called, came: Came) => void
  readonly refused: (fault: string) => void
  readonly noted: (kind: string) => void
  readonly dropped: (signal: string, items: number) => void
}

export function makeMeasures(meter: Meter, tools: ToolLabels): Measures {
  const counter = ({ name, unit, says }: (typeof MEASURED)['calls' | 'refusals']): Counter =>
    meter.createCounter(name, { unit, description: says })
  const histogram = ({ name, unit, says }: (typeof MEASURED)['callDuration']): Histogram =>
    meter.createHistogram(name, {
      unit,
      description: says,
      advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
    })
  const server = histogram(MEASURED.serverDuration)
  const client = histogram(MEASURED.clientDuration)
  const calls = counter(MEASURED.calls)
  const took = histogram(MEASURED.callDuration)
  const decisions = counter(MEASURED.decisions)
  const refusals = counter(MEASURED.refusals)
  const events = counter(MEASURED.events)
  const undelivered = counter(MEASURED.undelivered)
  return {
    served: (ms, labels) => {
      server.record(ms / MS_PER_S, labels)
    },
    sent: (ms, labels) => {
      client.record(ms / MS_PER_S, labels)
    },
    called: (ms, { server: of, method, name, effect, decision }, { outcome, isError, reason }) => {
      const tool = method === 'tools/call' ? tools.of(of, name) : ''
      const ended = isError === true ? 'tool_error' : outcome
      const base = { [ATTRIBUTES.server]: of, [ATTRIBUTES.tool]: tool }
      took.record(ms / MS_PER_S, { ...base, [ATTRIBUTES.outcome]: ended })
      calls.add(1, {
        ...base,
        [ATTRIBUTES.method]: methodOf(method),
        [ATTRIBUTES.effect]: effect,
        [ATTRIBUTES.outcome]: ended,
        [ATTRIBUTES.decision]: decision.kind,
        [ATTRIBUTES.fault]: reason === undefined ? '' : reasonOf(reason),
      })
      decisions.add(1, { [ATTRIBUTES.server]: of, [ATTRIBUTES.decision]: decision.kind })
    },
    refused: (fault) => {
      refusals.add(1, { [ATTRIBUTES.fault]: reasonOf(fault) })
    },
    noted: (kind) => {
      events.add(1, { 'countersign.kind': kind })
    },
    dropped: (signal, items) => {
      undelivered.add(items, { 'countersign.signal': signal })
    },
  }
}
