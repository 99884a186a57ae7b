import type { ServerResponse } from 'node:http'
import { FAULTS, Fault, isObject, own } from '@countersign/contract'

const RETRY_AFTER_S = 1
const SECOND_MS = 1_000

/** 405 with the header that says what is served instead. */
export function methodNotAllowed(response: ServerResponse, allowed: string): Fault {
  response.setHeader('allow', allowed)
  return new Fault('http/method', `Only ${allowed} is served here.`)
}

/** AM-40: a refusal that will pass says when to come back. */
export function sayWhen(response: ServerResponse, fault: Fault): void {
  const { retry, http } = FAULTS[fault.code]
  if (retry && http >= 400 && !response.headersSent)
    response.setHeader('retry-after', String(secondsUntil(fault)))
}

/** RFC 9110 §10.2.3: whole seconds, and never too early. */
function secondsUntil({ data }: Fault): number {
  const afterMs = isObject(data) ? own(data, 'retryAfterMs') : undefined
  return typeof afterMs === 'number' ? Math.ceil(afterMs / SECOND_MS) : RETRY_AFTER_S
}
