import { isFinal, TaskFault, type Engine } from '@countersign/engine'
import type { Approvals } from '#approvals'
import type { Log } from '#telemetry'
import { approvalSignal, waitingFor } from './await-approval.ts'

interface WakeRooms {
  readonly engine: Engine
  readonly approvals: Pick<Approvals, 'onEnd'>
  readonly log: Log
}

/** Wakes the task whose approval is over. What was answered is not in the signal. */
export function wakeWhenOver({ engine, approvals, log }: WakeRooms): void {
  const wake = async (task: string, name: string, signalId: string): Promise<void> => {
    try {
      await engine.signal(task, name, null, { signalId })
    } catch (thrown) {
      // A task that is over, or that was woken before, needs no waking.
      if (thrown instanceof TaskFault && thrown.code !== 'store/unavailable') return
      log.warn({ task, cause: String(thrown) }, 'a task whose approval is over was not woken')
    }
  }
  approvals.onEnd(({ id, task, round }) => void wake(task, approvalSignal(round), id))
}

/** Resolves when a task waits for people, or is over; rejects when `signal` aborts. */
export async function untilWaiting(engine: Engine, id: string, signal: AbortSignal): Promise<void> {
  const seen = Promise.withResolvers<void>()
  const look = async (): Promise<void> => {
    const task = await engine.get(id)
    if (!task || isFinal(task.state) || waitingFor(task)) seen.resolve()
  }
  const heard = (changed: string): void => {
    if (changed === id) look().catch(seen.reject)
  }
  const gone = (): void => {
    seen.reject(signal.reason)
  }
  const stop = engine.watch(heard)
  signal.addEventListener('abort', gone, { once: true })
  try {
    if (signal.aborted) gone()
    heard(id)
    await seen.promise
  } finally {
    signal.removeEventListener('abort', gone)
    stop()
  }
}
