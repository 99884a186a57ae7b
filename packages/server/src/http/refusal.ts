import type { ServerResponse } from 'node:http'
import { FAULTS, Fault } from '@countersign/contract'

const RETRY_AFTER_S = '1'

/** 405 with the header that says what is served instead. */
export function methodNotAllowed(response: ServerResponse, allowed: string): Fault {
  response.setHeader('allow', allowed)
  return new Fault('http/method', `Only ${allowed} is served here.`)
}

/** AM-40: a refusal that will pass says when to come back. */
export function sayWhen(response: ServerResponse, { code }: Fault): void {
  const { retry, http } = FAULTS[code]
  if (retry && http >= 400 && !response.headersSent)
    response.setHeader('retry-after', RETRY_AFTER_S)
}
