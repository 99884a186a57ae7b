/**
 * Five small services as one meets them: one fails, one throttles, one is slow, one lies, one is
 * down. `node services.ts <folder>` runs them and writes services.json there.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import type { Item, Service } from './page.ts'

const ITEMS_PER_PAGE = 10
/** A little less than the second it asks for: its clock is not its callers'. */
const PEACE_MS = 950

/** One request for a page, and how often that page was asked for before. */
interface Asked {
  readonly page: number
  readonly before: number
  readonly response: ServerResponse
}

/** Answers, or leaves it alone and returns false: then the page is given as it is. */
type Manner = (asked: Asked) => boolean

const refuse = (response: ServerResponse, status: number, headers = {}): true => {
  response.writeHead(status, headers).end('{}')
  return true
}

/** Every page fails the first two times it is asked for. */
const fails: Manner = ({ before, response }) => before < 2 && refuse(response, 503)

const down: Manner = ({ response }) => refuse(response, 500)

/** The first request for page 2 is never answered; the others take their time. */
const slow: Manner = ({ page, before, response }) => {
  if (page === 2 && before === 0) return true
  setTimeout(() => give(response, pageOf('attic', page, 3)), 100)
  return true
}

/** The wrong total, an item of another page once more, one with another count, and a torn page. */
const lies: Manner = ({ page, response }) => {
  const { pages, items } = pageOf('market', page, 3)
  if (page === 3) response.end('{"pages": 3, "items": [{"id": "market-2')
  else if (page === 1) give(response, { pages, total: 99, items })
  else {
    const [first, second] = pageOf('market', 1, 3).items
    const recounted = { ...second, count: 1_000, countedAt: '2026-11-22T12:00:00Z' }
    give(response, { pages, total: 99, items: [...items, first, recounted] })
  }
  return true
}

/** After so many answers it wants a second of peace, counted from when it says so. */
function throttles(answersMax: number): Manner {
  let answers = 0
  let refusedAt: number | undefined
  return ({ response }) => {
    if (answers < answersMax) {
      answers++
      return false
    }
    refusedAt ??= performance.now()
    if (performance.now() - refusedAt < PEACE_MS) {
      return refuse(response, 429, { 'retry-after': '1' })
    }
    answers = 1
    refusedAt = undefined
    return false
  }
}

function pageOf(
  name: string,
  page: number,
  pages: number,
): {
  readonly pages: number
  readonly total: number
  readonly items: readonly Item[]
} {
  const items = Array.from({ length: ITEMS_PER_PAGE }, (_, index) => {
    const number = (page - 1) * ITEMS_PER_PAGE + index + 1
    return {
      id: `${name}-${String(number)}`,
      name: `Box ${String(number)}`,
      count: (number * 7) % 50,
      countedAt: '2026-11-21T12:00:00Z',
    }
  })
  return { pages, total: pages * ITEMS_PER_PAGE, items }
}

const give = (response: ServerResponse, page: unknown): void => {
  if (response.destroyed) return
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page))
}

interface Kind {
  readonly pages: number
  readonly manner: Manner
}

/** Made anew each time: a service counts what it was asked. */
const makeServices = (): Readonly<Record<string, Kind>> => ({
  warehouse: { pages: 3, manner: fails },
  harbour: { pages: 6, manner: throttles(4) },
  attic: { pages: 3, manner: slow },
  market: { pages: 3, manner: lies },
  cellar: { pages: 1, manner: down },
})

export interface Services extends AsyncDisposable {
  readonly catalogue: readonly Service[]
  /** How often each page was asked for and given with status 200, such as `harbour 2`. */
  readonly given: ReadonlyMap<string, number>
  /** Keeps the next request for a page waiting; resolves once it has come. */
  readonly hold: (page: string) => Promise<void>
}

/** Runs all of them on one port; `said` hears of every request. */
export async function openServices(said: (line: string) => void): Promise<Services> {
  const services = makeServices()
  const asked = new Map<string, number>()
  const given = new Map<string, number>()
  const held = new Map<string, () => void>()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const [, name = ''] = pathname.split('/')
    const service = services[name]
    if (!service) return void refuse(response, 404)
    const page = Number(searchParams.get('page') ?? 1)
    const key = `${name} ${String(page)}`
    const before = asked.get(key) ?? 0
    asked.set(key, before + 1)
    response.once('finish', () => {
      said(`${key}: ${String(response.statusCode)}`)
      if (response.statusCode === 200) given.set(key, (given.get(key) ?? 0) + 1)
    })
    const reached = held.get(key)
    if (reached) {
      held.delete(key)
      reached()
    } else if (!service.manner({ page, before, response })) {
      give(response, pageOf(name, page, service.pages))
    }
  })
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    catalogue: Object.keys(services).map((name) => ({
      name,
      url: `http://127.0.0.1:${String(port)}/${name}/`,
      ...(name === 'harbour' ? { perSecondMax: 20 } : {}),
    })),
    given,
    hold: (page) =>
      new Promise((reached) => {
        held.set(page, reached)
      }),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((done) => {
        server.close(done)
      })
      server.closeAllConnections()
      await closed
    },
  }
}

/** Writes the catalogue where server.ts looks for it. */
export function writeCatalogue(folder: string, { catalogue }: Services): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'services.json'), JSON.stringify(catalogue, undefined, 2))
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '.countersign'))
  const services = await openServices((line) => process.stdout.write(`${line}\n`))
  writeCatalogue(folder, services)
  process.stdout.write(`five services; their addresses are in ${folder}/services.json\n`)
}
