import { pino } from 'pino'

/** What happened to the program itself; what happened to calls is in the ledger. */
export interface Log {
  readonly info: (facts: object, message: string) => void
  readonly warn: (facts: object, message: string) => void
  readonly error: (facts: object, message: string) => void
  readonly debug: (facts: object, message: string) => void
}

/** JSON lines on standard error: standard output belongs to whoever started us. */
export function makeLog(level: string): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
  return {
    info: (facts, message) => logger.info(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    error: (facts, message) => logger.error(facts, message),
    debug: (facts, message) => logger.debug(facts, message),
  }
}

const nothing = (): void => undefined
export const silentLog: Log = { info: nothing, warn: nothing, error: nothing, debug: nothing }
