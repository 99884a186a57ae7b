import type { Log } from '#telemetry'

/** Runs once more for all who ask while it runs; what goes wrong is told, and tried the next time. */
export function oneAtATime(log: Log, what: string, work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let isAsked = false
  const run = async (): Promise<void> => {
    while (isAsked) {
      isAsked = false
      // oxlint-disable-next-line eslint/no-await-in-loop -- One at a time is the point.
      await work().catch((cause: unknown) => {
        log.warn({ cause: String(cause) }, what)
      })
    }
    running = undefined
  }
  return () => {
    isAsked = true
    running ??= run()
    return running
  }
}
