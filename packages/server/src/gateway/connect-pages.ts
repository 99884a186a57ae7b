import { Fault, isObject, own, type Json } from '@countersign/contract'
import type { Principal } from '#auth'
import type { World } from '#base'
import type { Outcome } from '#tasks'
import type { Connecting } from '#vault'

/** A page on which somebody connects a server to an account of theirs. */
interface ConnectPage {
  /** Opaque, and part of the address. */
  readonly id: string
  readonly url: string
}

/** Where people let us act for them with servers that ask for it (OC19). */
export interface ConnectPages {
  /**
   * The page for exactly this principal. `operator`: only who runs the house can do it, or we have no
   * address to send anybody to. `nobody`: its grant asks no person, and what is missing was said.
   */
  readonly pageFor: (
    server: string,
    who: Principal,
    scopes: readonly string[],
  ) => Promise<ConnectPage | 'operator' | 'nobody'>
  /** Resolves when they are done there, when it has expired, after `ms`, or when `signal` aborts. */
  readonly done: (id: string, ms: number, signal: AbortSignal) => Promise<void>
}

/** Without servers that ask for credentials there is nothing to connect. */
export const NO_PAGES: ConnectPages = {
  pageFor: async () => 'nobody',
  done: async () => undefined,
}

/** How often another node is looked for to have finished it. */
const LOOK_MS = 1_000

interface Whereabouts {
  /** Our public origin, once it is known. */
  readonly origin: () => string | undefined
  /** Whether somebody connects this server in a browser at all. */
  readonly asksPeople: (server: string) => boolean
}

export function connectPages(
  world: World,
  connecting: Connecting,
  { origin, asksPeople }: Whereabouts,
): ConnectPages {
  return {
    pageFor: async (server, who, scopes) => {
      const at = origin()
      if (!asksPeople(server)) return 'nobody'
      if (at === undefined) return 'operator'
      const begun = await connecting.begin(server, who, { scopes })
      if (!begun) return 'operator'
      return { id: begun.id, url: `${at}${CONNECT_PATH}${encodeURIComponent(begun.id)}` }
    },
    done: async (id, ms, signal) => {
      const over = new AbortController()
      const until = AbortSignal.any([signal, over.signal])
      const stop = connecting.onConnected((connected) => {
        if (connected.id === id) over.abort()
      })
      const stopTimer = world.after(ms, () => {
        over.abort()
      })
      try {
        while (!until.aborted && (await connecting.find(id))) {
          await world.wait(LOOK_MS, until).catch(() => undefined)
        }
      } finally {
        stopTimer()
        stop()
      }
    },
  }
}

export const CONNECT_PATH = '/connect/'

/** Before anything of a server is known, all that can be said is that somebody has to connect it. */
export const unconnectedFault = (server: string): Fault =>
  new Fault('upstream/unconnected', `Server ${server} is not connected to an account of yours.`, {
    data: { server },
  })

/** Nothing of the server is known yet, because nobody has connected it: that is an answer too. */
export function onlyUnconnected(thrown: unknown): Fault {
  if (thrown instanceof Fault && thrown.code === 'upstream/unconnected') return thrown
  throw thrown
}

/** A call that failed because nobody connected its server, with the page on which that is done. */
export const withPage = (
  pages: ConnectPages,
  who: Principal,
  outcome: Outcome,
): Outcome | Promise<Outcome> =>
  outcome.kind === 'refused' && outcome.fault.code === 'upstream/unconnected'
    ? pagedFor(pages, who, outcome)
    : outcome

async function pagedFor(
  pages: ConnectPages,
  who: Principal,
  { fault, receipt }: Extract<Outcome, { kind: 'refused' }>,
): Promise<Outcome> {
  const server = textIn(fault.data, 'server')
  const scopes = isObject(fault.data) ? own(fault.data, 'scopes') : undefined
  const wanted = Array.isArray(scopes) ? scopes.filter((one) => typeof one === 'string') : []
  const page = server === undefined ? 'nobody' : await pages.pageFor(server, who, wanted)
  const data = {
    server: server ?? '',
    ...(typeof page === 'string' ? {} : { connect: page.id, url: page.url }),
  }
  return {
    kind: 'refused',
    ...(receipt ? { receipt } : {}),
    fault: new Fault(fault.code, wordsOf(server ?? '', fault.message, page), {
      data,
      cause: fault,
    }),
  }
}

/** State, why, that repeating it is no use, and the one thing that is: in this order. */
function wordsOf(
  server: string,
  why: string,
  page: Awaited<ReturnType<ConnectPages['pageFor']>>,
): string {
  const so = `Nothing was executed. ${why} Calling again without that will fail in the same way.`
  if (page === 'nobody') return so
  if (page === 'operator') {
    return `${so} Ask whoever runs this gateway to connect it (countersign connect ${server}), then call again.`
  }
  return `${so} Ask the user to open this page, connect their account there, and tell you; then call again once: ${page.url}`
}

/** The page without which a call cannot be done. */
export interface NeededPage extends ConnectPage {
  readonly server: string
}

/** The page that a fault names, if it names one. */
export function pageIn(fault: Fault): NeededPage | undefined {
  const [id, url] = [textIn(fault.data, 'connect'), textIn(fault.data, 'url')]
  if (fault.code !== 'upstream/unconnected' || id === undefined || url === undefined) {
    return undefined
  }
  return { id, url, server: textIn(fault.data, 'server') ?? '' }
}

/** What a client shows to a person before it opens the page: which server, and that it is ours. */
export const askToConnect = (server: string): string =>
  `Countersign needs your permission to use ${server} for you. The page lets you connect your account; nothing was executed yet.`

function textIn(data: Json | undefined, key: string): string | undefined {
  const value = isObject(data) ? own(data, key) : undefined
  return typeof value === 'string' ? value : undefined
}
