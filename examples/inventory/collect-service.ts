/** Everything one service has: page by page, at its pace, with what could not be had by name. */
import type { DurableContext, RetryPolicy } from '@countersign/sdk'
import { fetchPage, type Got, type Page, type Service } from './page.ts'

interface Missing {
  readonly what: string
  readonly why: string
}

export interface Collected {
  readonly service: string
  readonly pages: readonly Page[]
  readonly missing: readonly Missing[]
}

/** A page that fails is asked for again; who never gives it gets no fifth chance. */
const RETRY: RetryPolicy = { tries: 4, firstMs: 100, maxMs: 2_000 }
const ANSWER_MS = 1_000
/** How often a service may say "not now" to one page. */
const THROTTLES_MAX = 10
const SECOND_MS = 1_000

/** `done` hears of every page that was had or given up. */
export async function collectService(
  task: DurableContext,
  service: Service,
  done: (pages: number) => void,
): Promise<Collected> {
  const pages: Page[] = []
  const missing: Missing[] = []
  // Until the first page says how many there are, there is one.
  for (let number = 1; number <= (pages[0]?.pages ?? 1); number++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- a service is asked one thing at a time
    const got = await collectPage(task, service, number)
    if ('why' in got) missing.push(got)
    else pages.push(got)
    done(pages[0]?.pages ?? 1)
  }
  return { service: service.name, pages, missing }
}

async function collectPage(
  task: DurableContext,
  service: Service,
  number: number,
): Promise<Page | Missing> {
  const what = `${service.name}, page ${String(number)}`
  if (number > 1 && service.perSecondMax !== undefined) {
    await task.sleep(`before ${what}`, Math.ceil(SECOND_MS / service.perSecondMax))
  }
  for (let round = 1; round <= THROTTLES_MAX; round++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- each round waits for the one before
    const got = await tryPage(task, service, { what, number })
    if ('page' in got) return got.page
    if ('why' in got) return got
    task.status(`${what}: told to wait for ${String(got.retryAfterMs)} ms`)
    // A durable wait: what the service asked for is kept to even if this process dies meanwhile.
    // oxlint-disable-next-line eslint/no-await-in-loop
    await task.sleep(`${what} was throttled`, got.retryAfterMs)
  }
  return { what, why: `it throttled ${String(THROTTLES_MAX)} times` }
}

interface Wanted {
  readonly what: string
  readonly number: number
}

async function tryPage(
  task: DurableContext,
  service: Service,
  { what, number }: Wanted,
): Promise<Got | Missing> {
  try {
    return await task.step(what, ({ signal }) => fetchPage(service, number, signal), {
      retry: RETRY,
      timeoutMs: ANSWER_MS,
    })
  } catch (error) {
    // One page less is no reason to lose all others: it is named in the result.
    return { what, why: error instanceof Error ? error.message : String(error) }
  }
}
