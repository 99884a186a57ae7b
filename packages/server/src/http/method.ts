import type { ServerResponse } from 'node:http'
import { Fault } from '@countersign/contract'

/** 405 with the header that says what is served instead. */
export function methodNotAllowed(response: ServerResponse, allowed: string): Fault {
  response.setHeader('allow', allowed)
  return new Fault('http/method', `Only ${allowed} is served here.`)
}
