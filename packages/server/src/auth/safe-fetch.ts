import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, request, type Dispatcher } from 'undici'
import type { World } from '#base'
import { mayReach } from './addresses.ts'
import type { Reach } from './settings.ts'

/** What is asked of a URL that came from a configuration or from another server's metadata. */
interface Ask {
  readonly url: string
  readonly reach: Reach
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Fetched {
  readonly status: number
  /** Undefined for what is not JSON. */
  readonly json: unknown
  readonly text: string
  readonly headers: Dispatcher.ResponseData['headers']
}

/** Asks once, and rejects with `Unfetched` for whatever is not a complete answer in JSON. */
export interface SafeFetch {
  readonly ask: (ask: Ask) => Promise<Fetched>
  readonly close: () => Promise<void>
}

/** Why a document was not fetched, in words for the log: never for the caller. */
export class Unfetched extends Error {
  override readonly name = 'Unfetched'
}

/** As `dns.lookup` with `all`. */
export type Resolve = (
  host: string,
  options: { readonly all: true; readonly verbatim: true },
  done: (error: Error | null, found: LookupAddress[]) => void,
) => void

/** Documents of keys and metadata are a few kilobytes. */
const BODY_BYTES_MAX = 262_144
const CONNECT_MS = 3_000
const WHOLE_MS = 6_000

/**
 * The one way to a URL that others chose: every address a name stands for is checked before anything
 * connects, and the connection goes to exactly those; redirects are not followed; size and time are
 * bounded (MCP 2026-07-28 Security Best Practices, SSRF).
 */
export function makeSafeFetch(world: World, resolve: Resolve = systemLookup): SafeFetch {
  const agents = new Map<Reach, Agent>()
  const agentFor = (reach: Reach): Agent => {
    const known = agents.get(reach)
    if (known) return known
    const connect = { timeout: CONNECT_MS, lookup: checkedLookup(resolve, reach) }
    const agent = new Agent({ connect, headersTimeout: WHOLE_MS, bodyTimeout: WHOLE_MS })
    agents.set(reach, agent)
    return agent
  }
  return {
    ask: async (ask) => {
      checkUrl(ask)
      const abort = new AbortController()
      const stop = world.after(WHOLE_MS, () => {
        abort.abort()
      })
      try {
        return await askOnce(agentFor(ask.reach), ask, abort.signal)
      } catch (cause) {
        if (cause instanceof Unfetched) throw cause
        throw new Unfetched(`${ask.url} does not answer: ${reasonOf(cause)}`, { cause })
      } finally {
        stop()
      }
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

/** An address in the URL itself is never looked up, so it is checked here. */
function checkUrl({ url, reach }: Ask): void {
  if (!URL.canParse(url)) throw new Unfetched('not a URL')
  const { protocol, username, password, hash, hostname } = new URL(url)
  if (protocol !== 'https:' && !(protocol === 'http:' && reach === 'loopback')) {
    throw new Unfetched(`${url} is not https`)
  }
  if (username !== '' || password !== '' || hash !== '') {
    throw new Unfetched('a password or a # part in the URL')
  }
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) !== 0 && !mayReach(bare, reach)) throw new Unfetched(`${bare} may not be reached`)
}

function checkedLookup(resolve: Resolve, reach: Reach): LookupFunction {
  return (host, options, done) => {
    resolve(host, { all: true, verbatim: true }, (error, found) => {
      if (error) {
        done(error, [])
        return
      }
      // One hidden address among good ones is how a check is rebound.
      const [first] = found
      if (first === undefined || found.some(({ address }) => !mayReach(address, reach))) {
        done(new Unfetched(`${host} leads where it may not`), [])
      } else if (options.all === true) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}

async function askOnce(agent: Agent, ask: Ask, signal: AbortSignal): Promise<Fetched> {
  const { url, method = 'GET', headers = {}, body } = ask
  const answer = await request(url, {
    dispatcher: agent,
    method,
    headers: { accept: 'application/json', ...headers },
    signal,
    ...(body === undefined ? {} : { body }),
  })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer.body) {
    const part: Buffer = Buffer.from(chunk)
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) throw new Unfetched(`${url} answers with too much`)
    chunks.push(part)
  }
  // A redirect is an answer like any other, and not the one that was asked for.
  const text = Buffer.concat(chunks).toString('utf8')
  return { status: answer.statusCode, json: parsed(text), text, headers: answer.headers }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The status says whether that matters.
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : 'unknown')
