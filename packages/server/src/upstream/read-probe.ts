import {
  isLegacy,
  isModern,
  isObject,
  own,
  RPC,
  type Fault,
  type Json,
  type RpcError,
} from '@countersign/contract'
import type { Answer } from './flight.ts'
import { introductionOf } from './handshake.ts'
import type { Introduction } from './upstream.ts'
import { describeStatus } from './upstream-fault.ts'

/** What the answer to `server/discover` says about a server's era. */
export type Verdict =
  | { readonly kind: 'modern'; readonly introduction: Introduction }
  /** `sure` verdicts may be remembered; the others are only worth a try (H-016). */
  | { readonly kind: 'legacy'; readonly sure: boolean }
  /** Modern, and wants to be asked again in a revision that we speak too (V-025). */
  | { readonly kind: 'again' }
  /** Neither era can be tried now. */
  | { readonly kind: 'unusable'; readonly why: string | Fault }

/** Says nothing about the era, only that the server cannot be asked now (H-016, Q-032). */
const INCONCLUSIVE: ReadonlySet<number> = new Set([401, 403, 407, 408, 429, 502, 503, 504])

const NOT_LEFT: ReadonlySet<string> = new Set(['upstream/unavailable', 'upstream/unconnected'])

const LEGACY: Verdict = { kind: 'legacy', sure: true }
const MAYBE_LEGACY: Verdict = { kind: 'legacy', sure: false }

/** Reads the probe as S-013 and S-014 say: never from one code alone. */
export function readProbe(answer: Answer, now: number): Verdict {
  switch (answer.kind) {
    case 'result': {
      // A shim may answer discover while serving only legacy (S-014, Q-081).
      const introduction = introductionOf(answer.result, now)
      return introduction ? { kind: 'modern', introduction } : LEGACY
    }
    case 'error':
      return readError(answer.error, answer.status)
    case 'lost':
      return readLoss(answer)
  }
}

function readError(error: RpcError, status: number | undefined): Verdict {
  if (error.code === RPC.unsupportedVersion) {
    const supported = supportedBy(error.data)
    if (supported.some(isModern)) return { kind: 'again' }
    if (supported.some(isLegacy)) return LEGACY
    return { kind: 'unusable', why: 'speaks no protocol revision that is supported here.' }
  }
  // Recognised modern errors: there is nothing to fall back to (S-013).
  if (error.code === RPC.headerMismatch || error.code === RPC.missingCapability) {
    return { kind: 'unusable', why: `refuses to be discovered (${error.code}).` }
  }
  if (status !== undefined && INCONCLUSIVE.has(status)) {
    return { kind: 'unusable', why: describeStatus(status) }
  }
  return status !== undefined && status >= 500 ? MAYBE_LEGACY : LEGACY
}

function readLoss({ status, fault }: Extract<Answer, { kind: 'lost' }>): Verdict {
  if (status === undefined) {
    // Nothing left for the server: it is not there.
    if (!NOT_LEFT.has(fault.code)) return MAYBE_LEGACY
    return { kind: 'unusable', why: fault }
  }
  if (INCONCLUSIVE.has(status)) return { kind: 'unusable', why: describeStatus(status) }
  return status >= 500 ? MAYBE_LEGACY : LEGACY
}

function supportedBy(data: Json | undefined): readonly Json[] {
  const supported = isObject(data) ? own(data, 'supported') : undefined
  return Array.isArray(supported) ? supported : []
}
