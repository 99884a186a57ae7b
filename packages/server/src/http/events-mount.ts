import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { adminStatus, Fault, toFault } from '@countersign/contract'
import { requireToken } from '#admin'
import type { Principal } from '#auth'
import type { Secret, World } from '#base'
import {
  FORMATS,
  isKindPattern,
  type Carrier,
  type Feeds,
  type Filter,
  type Format,
  type Wish,
} from '#feeds'
import { challenge, knockOf, renewNonce, type Protection } from './protect.ts'
import { methodNotAllowed, sayWhen } from './refusal.ts'
import type { Mount } from './routes.ts'

export interface EventRooms {
  readonly world: World
  readonly feeds: Pick<Feeds, 'streams'>
  readonly adminToken: Secret
  readonly protection: Protection | undefined
  /** Whether this principal may see what is not theirs. */
  readonly mayReadAll: (principal: string) => boolean
  readonly isRevoked: (who: Principal) => boolean
}

const PATH = '/admin/events'
/** Tokens for the view with all servers are those of people who watch. */
const VIEW = ''
const TEXT_CHARS_MAX = 500
const KINDS_MAX = 50

/** The live stream of events (server-sent events), from any place of the ledger on. */
export const eventsMount = (rooms: EventRooms): Mount => ({
  owns: (path) => path === PATH,
  answer: async (request, response, stays) => {
    try {
      if (request.method !== 'GET') throw methodNotAllowed(response, 'GET')
      const reader = await readerOf(rooms, request, response)
      const wish = { ...wishOf(request), ...reader }
      stays()
      await rooms.feeds.streams.open(wish, () => carrierOf(rooms.world, response))
    } catch (thrown) {
      refuse(response, toFault(thrown))
    }
  },
})

type Reader = Pick<Wish, 'who' | 'only' | 'isLetIn'>

/** EV-006. Whoever holds the token of the data folder sees everything; people see what they may. */
async function readerOf(
  rooms: EventRooms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reader> {
  const { protection, mayReadAll, isRevoked, world } = rooms
  try {
    requireToken(request, rooms.adminToken)
    return { who: undefined, only: undefined, isLetIn: () => true }
  } catch (thrown) {
    if (!protection || request.headers.authorization === undefined) throw thrown
  }
  const knock = knockOf(protection, request, VIEW)
  try {
    const who = await protection.guard.authenticate(knock)
    renewNonce(protection, knock, response)
    return {
      who: who.id,
      only: mayReadAll(who.id) ? undefined : who.id,
      isLetIn: () => !isRevoked(who) && (who.proof === 'local' || world.now() < who.expiresAt),
    }
  } catch (thrown) {
    if (thrown instanceof Fault) challenge(protection, thrown, VIEW, response)
    throw thrown
  }
}

const FIELDS = ['server', 'principal', 'call', 'task'] as const
const NAMES: ReadonlySet<string> = new Set([...FIELDS, 'kinds', 'format', 'after'])

function wishOf(request: IncomingMessage): Pick<Wish, 'format' | 'filter' | 'after'> {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
  for (const name of searchParams.keys()) if (!NAMES.has(name)) throw malformed(name)
  const texts = FIELDS.flatMap((name) => {
    const text = searchParams.get(name)
    if (text === null) return []
    if (text === '' || text.length > TEXT_CHARS_MAX) throw malformed(name)
    return [[name, text]]
  })
  const kinds = searchParams.get('kinds')?.split(',')
  if (kinds && !(kinds.length <= KINDS_MAX && kinds.every(isKindPattern))) throw malformed('kinds')
  const filter: Filter = { ...Object.fromEntries(texts), ...(kinds ? { kinds } : {}) }
  return {
    filter,
    format: formatIn(searchParams.get('format')),
    after: placeIn(request, searchParams),
  }
}

function formatIn(text: string | null): Format {
  const format = FORMATS.find((one) => one === (text ?? 'countersign'))
  if (format) return format
  throw malformed('format')
}

/** What a browser says when it comes back is newer than what its address says. */
function placeIn({ headers }: IncomingMessage, searchParams: URLSearchParams): number | undefined {
  const last = headers['last-event-id']
  const text = typeof last === 'string' && last !== '' ? last : searchParams.get('after')
  if (text === null) return undefined
  if (!/^\d{1,15}$/.test(text)) throw malformed('after')
  return Number(text)
}

const malformed = (name: string): Fault =>
  new Fault(
    'rpc/envelope',
    `"${name.slice(0, 50)}" is not understood. A stream takes kinds, server, principal, call, task, format (${FORMATS.join(', ')}) and after.`,
  )

/** How long the last event may take to leave. */
const LAST_MS = 5_000

function carrierOf(world: World, response: ServerResponse): Carrier {
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
  })
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that collect an answer before they pass it on would show nothing.
    'x-accel-buffering': 'no',
  })
  return {
    gone: gone.signal,
    write: (text) => gone.signal.aborted || response.write(text),
    room: async (ms, closing) => {
      if (!response.writableNeedDrain) return !response.destroyed
      const late = new AbortController()
      const stop = world.after(ms, () => {
        late.abort()
      })
      const signal = AbortSignal.any([late.signal, gone.signal, closing])
      try {
        await once(response, 'drain', { signal })
        return true
      } catch {
        return false
      } finally {
        stop()
      }
    },
    end: (last) => {
      if (gone.signal.aborted) return
      response.end(last)
      world.after(LAST_MS, () => {
        response.destroy()
      })
    },
  }
}

function refuse(response: ServerResponse, fault: Fault): void {
  const { code, message } = fault
  if (code === 'server/bug' || response.headersSent) throw fault
  sayWhen(response, fault)
  response.writeHead(adminStatus(code), { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { fault: code, message } }))
}
