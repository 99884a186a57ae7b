import type { Dispatcher } from 'undici'
import { toFault } from '@countersign/contract'
import type { Refusal, Shown } from '#vault'
import type { Credential } from './credential.ts'
import type { HttpExchange, HttpHeaders } from './http-exchange.ts'

/** One request, before a credential is shown with it. */
export interface Sending {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: readonly string[]
  readonly body?: string
}

interface Route {
  readonly pool: Pick<Dispatcher, 'dispatch'>
  readonly origin: string
  readonly credential: Credential
  /** Told what was shown, by the name the ledger has for it. */
  readonly showed: ((credential: string) => void) | undefined
}

/** A nonce, then a fresh token, then one with more scopes: whoever still says no means it (OC14). */
const TRIES_MAX = 3
/** Of a refusal's body, which is at most an error in JSON-RPC. */
const REFUSAL_BYTES_MAX = 65_536

/**
 * Sends a request with a credential. Turned away at the door, where nothing was executed, it goes out
 * again with another one if there is another; only the last answer is seen by the exchange.
 */
export async function sendShowing(
  route: Route,
  sending: Sending,
  exchange: HttpExchange,
): Promise<void> {
  const { credential, origin } = route
  const { method, path } = sending
  try {
    for (let tries = 1; ; tries++) {
      const shown = await credential.show({ method, url: origin + path })
      if (exchange.isOver) return
      route.showed?.(shown.credential)
      const refused = await dispatch(route, sending, exchange, shown)
      if (!refused || exchange.isOver) return
      const isWorthIt = tries < TRIES_MAX && (await credential.refused(shown, refused.refusal))
      if (!isWorthIt) {
        refused.pass()
        return
      }
      exchange.again()
    }
  } catch (thrown) {
    exchange.fail(toFault(thrown))
  }
}

interface Refused {
  readonly refusal: Refusal
  /** Hands the refusal on as the answer that it is. */
  readonly pass: () => void
}

/** Resolves with a refusal that only we have seen, or with nothing when the exchange has the answer. */
function dispatch(
  { pool, credential }: Route,
  { headers, ...sending }: Sending,
  exchange: HttpExchange,
  shown: Shown,
): Promise<Refused | undefined> {
  return new Promise((resolve) => {
    let refusal: Refusal | undefined
    let start: (() => void) | undefined
    let bytes = 0
    const chunks: Buffer[] = []
    pool.dispatch(
      { ...sending, headers: [...headers, ...Object.entries(shown.headers).flat()] },
      {
        onRequestStart: (controller) => exchange.onRequestStart(controller),
        onResponseStart: (controller, status, answered) => {
          refusal = refusalIn(status, answered)
          if (refusal) start = () => exchange.onResponseStart(controller, status, answered)
          else {
            const nonce = single(answered, 'dpop-nonce')
            if (nonce !== undefined) credential.heardNonce(shown, nonce)
            exchange.onResponseStart(controller, status, answered)
            if (status >= 200) resolve(undefined)
          }
        },
        onResponseData: (controller, chunk) => {
          if (!refusal) {
            exchange.onResponseData(controller, chunk)
            return
          }
          bytes += chunk.length
          if (bytes <= REFUSAL_BYTES_MAX) chunks.push(chunk)
        },
        onResponseEnd: (controller) => {
          if (!refusal) {
            exchange.onResponseEnd()
            return
          }
          const pass = (): void => {
            start?.()
            for (const chunk of chunks) exchange.onResponseData(controller, chunk)
            exchange.onResponseEnd()
          }
          resolve({ refusal, pass })
        },
        onResponseError: (controller, cause) => {
          exchange.onResponseError(controller, cause)
          resolve(undefined)
        },
      },
    )
  })
}

function refusalIn(status: number, headers: HttpHeaders): Refusal | undefined {
  if (status !== 401 && status !== 403) return undefined
  const challenges = headers['www-authenticate'] ?? []
  return {
    status,
    challenges: typeof challenges === 'string' ? [challenges] : challenges,
    nonce: single(headers, 'dpop-nonce'),
  }
}

function single(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
