import type { JsonObject } from '@countersign/contract'
import { Unfetched, type Reach, type SafeFetch } from '#auth'
import type { Secret, World } from '#base'
import type { About } from './about.ts'
import type { Event, Format } from './event.ts'
import { MEDIA_TYPES, type Renderer } from './render.ts'
import { signedHeaders } from './signing.ts'

/** An address outside that is told of events, and signs for nothing. */
export interface WebhookSpec {
  readonly name: string
  readonly url: string
  /** The newest first: each attempt is signed with all of them. */
  readonly secrets: readonly Secret[]
  readonly kinds: readonly string[] | undefined
  readonly format: Format
  readonly from: 'now' | 'start'
  /** How far its address may lead. */
  readonly reach: Reach
  /** Whether those who are asked to approve a call there are shown its arguments. */
  readonly includeArguments: boolean
}

/** What one attempt came to; `waitMs` is what the receiver asked for. */
export type Posted =
  | { readonly is: 'taken' }
  | { readonly is: 'gone' }
  | { readonly is: 'refused'; readonly problem: string }
  | { readonly is: 'failed'; readonly problem: string; readonly waitMs?: number }

export interface PostRooms {
  readonly world: World
  readonly safeFetch: SafeFetch
  readonly renderer: Renderer
  /** What whoever decides an approval has to know, beside what stands in the entry. */
  readonly explain: (event: Event, withArguments: boolean) => Promise<JsonObject | undefined>
}

/** The message itself was not understood: another attempt would be the same message. */
const NOT_UNDERSTOOD: ReadonlySet<number> = new Set([400, 413, 415, 422])
const GONE = 410
const RETRY_AFTER_MAX_MS = 3_600_000

/** Tells one address of one event, once: no redirect is followed, size and time are bounded. */
export async function post(
  rooms: PostRooms,
  spec: WebhookSpec,
  event: Event,
  about: About,
): Promise<Posted> {
  const { world, safeFetch, renderer, explain } = rooms
  const decide = await explain(event, spec.includeArguments)
  const told = decide ? { ...event, body: { ...event.body, decide } } : event
  const body = JSON.stringify(renderer.render(spec.format, told, about))
  const headers = {
    'content-type': MEDIA_TYPES[spec.format],
    'user-agent': 'countersign',
    accept: '*/*',
    ...signedHeaders(spec.secrets, { id: renderer.idOf(event), at: world.now(), body }),
  }
  try {
    const { url, reach } = spec
    const answer = await safeFetch.ask({ url, reach, method: 'POST', headers, body })
    return readAnswer(answer.status, waitOf(answer.headers['retry-after'], world.now()))
  } catch (thrown) {
    if (thrown instanceof Unfetched) return { is: 'failed', problem: reasonOf(thrown, spec.url) }
    throw thrown
  }
}

function readAnswer(status: number, waitMs: number): Posted {
  if (status >= 200 && status < 300) return { is: 'taken' }
  if (status === GONE) return { is: 'gone' }
  const problem = `HTTP ${String(status)}`
  if (NOT_UNDERSTOOD.has(status)) return { is: 'refused', problem }
  return waitMs > 0 ? { is: 'failed', problem, waitMs } : { is: 'failed', problem }
}

/** Seconds, or a date (RFC 9110 §10.2.3); 0 for what is neither. */
function waitOf(retryAfter: string | string[] | undefined, now: number): number {
  if (typeof retryAfter !== 'string') return 0
  const seconds = Number(retryAfter)
  const ms = Number.isNaN(seconds) ? Date.parse(retryAfter) - now : seconds * 1_000
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : 0
}

/** Addresses of webhooks often are secrets by themselves: no more than their host is told. */
const reasonOf = ({ message }: Error, url: string): string =>
  message.replaceAll(url, URL.canParse(url) ? new URL(url).host : 'it').slice(0, PROBLEM_CHARS_MAX)
const PROBLEM_CHARS_MAX = 300
