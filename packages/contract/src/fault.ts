/**
 * Every way a request can fail, and how each looks from outside. The docs page is printed from this.
 *
 * `http` is the status towards a modern client and before any session exists; `legacy` is the status
 * inside a legacy session, 200 wherever the text allows because v1 clients lose the body of a 4xx
 * (H-095). Our own JSON-RPC codes lie outside -32768…-32000, as 2026-07-28 asks (H-090).
 */
import type { Json } from './json.ts'

interface FaultSpec {
  readonly http: number
  readonly legacy: number
  readonly rpc: number
  /** True when the same request may succeed later without being changed. */
  readonly retry: boolean
}

export const FAULTS = {
  'http/forbidden': { http: 403, legacy: 403, rpc: -32000, retry: false },
  'http/origin': { http: 403, legacy: 403, rpc: -32000, retry: false },
  'http/method': { http: 405, legacy: 405, rpc: -32000, retry: false },
  'http/not-found': { http: 404, legacy: 404, rpc: -32000, retry: false },
  'http/media-type': { http: 415, legacy: 415, rpc: -32000, retry: false },
  'http/accept': { http: 406, legacy: 406, rpc: -32000, retry: false },
  'http/not-acceptable': { http: 406, legacy: 406, rpc: 10_406, retry: false },
  'http/too-large': { http: 413, legacy: 413, rpc: -32600, retry: false },
  'http/slow': { http: 408, legacy: 408, rpc: -32000, retry: true },
  'http/busy': { http: 429, legacy: 429, rpc: 10_429, retry: true },
  'http/closing': { http: 503, legacy: 503, rpc: 10_503, retry: true },
  'auth/required': { http: 401, legacy: 401, rpc: 10_401, retry: false },
  'auth/malformed': { http: 400, legacy: 400, rpc: 10_400, retry: false },
  'auth/token': { http: 401, legacy: 401, rpc: 10_401, retry: false },
  'auth/proof': { http: 401, legacy: 401, rpc: 10_401, retry: false },
  'auth/nonce': { http: 401, legacy: 401, rpc: 10_401, retry: true },
  'auth/scope': { http: 403, legacy: 403, rpc: 10_403, retry: false },
  'auth/unavailable': { http: 503, legacy: 503, rpc: 10_503, retry: true },
  'user/unknown': { http: 404, legacy: 404, rpc: -32602, retry: false },
  'user/taken': { http: 409, legacy: 409, rpc: -32602, retry: false },
  'client/unknown': { http: 404, legacy: 404, rpc: -32602, retry: false },
  'client/taken': { http: 409, legacy: 409, rpc: -32602, retry: false },
  'rpc/parse': { http: 400, legacy: 400, rpc: -32700, retry: false },
  'rpc/invalid': { http: 400, legacy: 400, rpc: -32600, retry: false },
  'rpc/unknown-method': { http: 404, legacy: 200, rpc: -32601, retry: false },
  'rpc/bad-params': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'rpc/envelope': { http: 400, legacy: 400, rpc: -32602, retry: false },
  'rpc/header-mismatch': { http: 400, legacy: 400, rpc: -32020, retry: false },
  'rpc/missing-capability': { http: 400, legacy: 200, rpc: -32021, retry: false },
  'rpc/unsupported-version': { http: 400, legacy: 400, rpc: -32022, retry: false },
  'session/required': { http: 400, legacy: 400, rpc: -32000, retry: false },
  'session/unknown': { http: 404, legacy: 404, rpc: -32001, retry: false },
  'call/unknown-name': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'call/unknown-resource': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'call/bad-state': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'call/bad-cursor': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'call/cancelled': { http: 200, legacy: 200, rpc: 10_499, retry: true },
  'call/abandoned': { http: 200, legacy: 200, rpc: 10_499, retry: false },
  'call/unknown-outcome': { http: 200, legacy: 200, rpc: -32603, retry: false },
  'task/unknown': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'task/illegal': { http: 200, legacy: 200, rpc: -32602, retry: false },
  'task/busy': { http: 429, legacy: 200, rpc: 10_429, retry: true },
  'task/too-large': { http: 200, legacy: 200, rpc: -32603, retry: false },
  'task/failed': { http: 200, legacy: 200, rpc: -32603, retry: false },
  'policy/denied': { http: 200, legacy: 200, rpc: 10_403, retry: false },
  'policy/conflict': { http: 409, legacy: 200, rpc: -32602, retry: false },
  'quota/exhausted': { http: 429, legacy: 200, rpc: 10_429, retry: true },
  'approval/unknown': { http: 404, legacy: 200, rpc: -32602, retry: false },
  'approval/over': { http: 409, legacy: 200, rpc: -32602, retry: false },
  'webhook/unknown': { http: 404, legacy: 404, rpc: -32602, retry: false },
  'approval/not-yours': { http: 403, legacy: 200, rpc: 10_403, retry: false },
  'ledger/unavailable': { http: 200, legacy: 200, rpc: -32603, retry: true },
  'upstream/unavailable': { http: 200, legacy: 200, rpc: -32603, retry: true },
  'connection/unknown': { http: 404, legacy: 404, rpc: -32602, retry: false },
  'upstream/unconnected': { http: 200, legacy: 200, rpc: 10_407, retry: false },
  'upstream/timeout': { http: 200, legacy: 200, rpc: -32603, retry: true },
  'upstream/broken': { http: 200, legacy: 200, rpc: -32603, retry: true },
  'upstream/too-large': { http: 200, legacy: 200, rpc: -32603, retry: false },
  'config/invalid': { http: 500, legacy: 500, rpc: -32603, retry: false },
  'store/unavailable': { http: 503, legacy: 503, rpc: -32603, retry: true },
  'server/bug': { http: 500, legacy: 200, rpc: -32603, retry: false },
} as const satisfies Record<`${string}/${string}`, FaultSpec>

export type FaultCode = keyof typeof FAULTS

/** An expected failure. Its message and data are shown to the caller; its cause never is. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  /** Becomes `error.data` on the wire. */
  readonly data: Json | undefined

  constructor(code: FaultCode, message: string, options?: ErrorOptions & { readonly data?: Json }) {
    super(message, options)
    this.code = code
    this.data = options?.data
  }
}

/** Anything thrown becomes a Fault. What we did not foresee is our bug, and says no more than that. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  return new Fault('server/bug', 'Something broke on our side.', { cause: thrown })
}
