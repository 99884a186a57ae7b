import type { World } from '#base'
import { cancelledFault, upstreamFault } from './upstream-fault.ts'

interface Limits {
  readonly world: World
  readonly server: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * Waits for a connection that others may be waiting for too, so that giving up does not end it.
 * Nothing of the call has left yet, whichever way this rejects.
 */
export function untilReady<T>(limits: Limits, pending: Promise<T>): Promise<T> {
  const { world, server, timeoutMs, signal } = limits
  if (signal?.aborted) {
    pending.catch(() => undefined)
    return Promise.reject(cancelledFault())
  }
  return new Promise((resolve, reject) => {
    const cancelled = (): void => settle(() => reject(cancelledFault()))
    const late = (): void => {
      const what = `was not ready within ${Math.round(timeoutMs / 1000)} s; try again.`
      settle(() => reject(upstreamFault('upstream/unavailable', server, what)))
    }
    const stopTimer = world.after(timeoutMs, late)
    signal?.addEventListener('abort', cancelled)
    const settle = (how: () => void): void => {
      stopTimer()
      signal?.removeEventListener('abort', cancelled)
      how()
    }
    pending.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
