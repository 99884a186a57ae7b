/** One page of one service: asked for, read with suspicion. */
import { z } from 'zod'

/** Where a service is, and how often it may be asked. */
export const serviceSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  url: z.url(),
  perSecondMax: z.number().positive().max(1_000).optional(),
})
export type Service = z.output<typeof serviceSchema>

const itemSchema = z.object({
  id: z.string().min(1).max(100),
  name: z.string().max(500),
  count: z.int().nonnegative(),
  /** When somebody last counted. */
  countedAt: z.iso.datetime(),
})
export type Item = z.output<typeof itemSchema>

const pageSchema = z.object({
  pages: z.int().min(1).max(1_000),
  /** How many items there are on all pages, as the service says. */
  total: z.int().nonnegative(),
  items: z.array(itemSchema).max(1_000),
})
export type Page = z.output<typeof pageSchema>

/** A page, or how long the service wants to be left alone. */
export type Got = { readonly page: Page } | { readonly retryAfterMs: number }

const SECOND_MS = 1_000
/** For a service that throttles and does not say for how long; and no wait is longer than the other. */
const PAUSE_MS = SECOND_MS
const PAUSE_MS_MAX = 60 * SECOND_MS
const TOO_MANY_REQUESTS = 429
const BYTES_MAX = 1_048_576

/** @throws Error with a sentence for the inventory when there is no such page to be had. */
export async function fetchPage(
  service: Service,
  number: number,
  signal: AbortSignal,
): Promise<Got> {
  const url = new URL(`items?page=${String(number)}`, service.url)
  const response = await fetch(url, { signal, redirect: 'error' })
  const text = await textOf(response)
  if (response.status === TOO_MANY_REQUESTS) return { retryAfterMs: pauseOf(response.headers) }
  if (!response.ok) throw new Error(`it answered ${String(response.status)}`)
  const read = pageSchema.safeParse(parse(text))
  if (!read.success) throw new Error('what it answered is not a page of items')
  return { page: read.data }
}

async function textOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes, { stream: true })
    if (text.length > BYTES_MAX) throw new Error('its answer does not end')
  }
  return text + decoder.decode()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error('what it answered is not JSON', { cause })
  }
}

// RFC 9110 §10.2.3: seconds, or a date, which none of these services sends.
function pauseOf(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const ms = Number.isFinite(seconds) && seconds >= 0 ? seconds * SECOND_MS : PAUSE_MS
  return Math.min(ms, PAUSE_MS_MAX)
}
