import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Attributes, Meter, ObservableGauge } from '@opentelemetry/api'
import manifest from '../../../package.json' with { type: 'json' }
import type { Log } from '../log.ts'
import { WATCHED, type Watched } from './names.ts'

/** One figure, read when somebody asks. */
export interface Reading {
  readonly of: Watched
  readonly value: number
  /** The value of its one label, where it has one. */
  readonly label?: string
}

/** Looks up figures of one part of the house. Whatever cannot be read is left out. */
export type Vital = () => readonly Reading[] | Promise<readonly Reading[]>

const NS_PER_S = 1e9

/** What the process itself shows. */
export function ownVital(): { readonly vital: Vital; readonly close: () => void } {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  return {
    close: () => {
      delay.disable()
    },
    vital: () => {
      const hasSamples = delay.count > 0
      const readings: Reading[] = [
        { of: 'loopDelay', value: hasSamples ? delay.percentile(99) / NS_PER_S : 0 },
        { of: 'loopDelayMax', value: hasSamples ? delay.max / NS_PER_S : 0 },
        { of: 'memory', value: process.memoryUsage.rss() },
        { of: 'build', value: 1, label: manifest.version },
      ]
      delay.reset()
      return readings
    },
  }
}

/** Reads all of them for whoever collects; one that fails takes nothing else with it. */
export function watchAll(meter: Meter, log: Log, vitals: readonly Vital[]): void {
  const gauges = new Map<string, ObservableGauge>()
  for (const [of, { name, unit, says }] of Object.entries(WATCHED)) {
    gauges.set(of, meter.createObservableGauge(name, { unit, description: says }))
  }
  meter.addBatchObservableCallback(
    async (result) => {
      const read = await Promise.allSettled(vitals.map(async (vital) => vital()))
      for (const one of read) {
        if (one.status === 'rejected') {
          log.debug({ cause: String(one.reason) }, 'a figure could not be read')
          continue
        }
        for (const { of, value, label } of one.value) {
          const gauge = gauges.get(of)
          if (gauge && Number.isFinite(value)) result.observe(gauge, value, labelsOf(of, label))
        }
      }
    },
    [...gauges.values()],
  )
}

function labelsOf(of: Watched, label: string | undefined): Attributes {
  const [name] = WATCHED[of].labels
  return name === undefined || label === undefined ? {} : { [name]: label }
}
