import type { Principal } from '#auth'
import { NO_WATCH } from './link.ts'
import type { KeptUpstream } from './make-upstream.ts'
import type { ServerSpec, Upstream, UpstreamState, UpstreamStatus, Watch } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'

/** Principals of whom one server keeps a connection, or the memory of one: each is a few kilobytes. */
const PRINCIPALS_MAX = 1_000

/** What one principal wants to hear of a server. */
export interface PersonalWatch {
  readonly who: Principal
  readonly watch: Watch
}

interface Member {
  readonly upstream: KeptUpstream
  /** Counts uses of the server: the smallest was used the longest ago. */
  usedAt: number
}

/**
 * One server, reached by each principal on a connection of their own: session, era and token of one
 * are never another's.
 */
export class PersonalUpstreams {
  readonly #spec: ServerSpec
  readonly #make: (who: Principal) => KeptUpstream
  readonly #max: number
  /** By principal, in the order in which they came. */
  readonly #members = new Map<string, Member>()
  #uses = 0
  #isClosed = false

  constructor(spec: ServerSpec, make: (who: Principal) => KeptUpstream, max = PRINCIPALS_MAX) {
    this.#spec = spec
    this.#make = make
    this.#max = max
  }

  of(who: Principal): Upstream {
    const member = this.#members.get(who.id) ?? this.#add(who)
    member.usedAt = ++this.#uses
    return member.upstream
  }

  /** The way of somebody who was here before. */
  known(principal: string): KeptUpstream | undefined {
    return this.#members.get(principal)?.upstream
  }

  /**
   * Lists and logs are no reason to connect somebody who never called: lists are everybody's, and
   * somebody else hears of them.
   */
  watchEach(wanted: readonly PersonalWatch[]): void {
    const watching = new Set<string>()
    for (const { who, watch } of wanted) {
      if (watch.resources.size === 0 && !this.#members.has(who.id)) continue
      watching.add(who.id)
      this.of(who).watch(watch)
    }
    for (const [id, { upstream }] of this.#members) if (!watching.has(id)) upstream.watch(NO_WATCH)
  }

  /** The server as one: for lists, which are everybody's, and for the operator. No call goes here. */
  face(): Upstream {
    const spec = this.#spec
    const nobody = async (): Promise<never> => {
      throw upstreamFault('upstream/unconnected', spec.id, 'is connected for nobody yet.')
    }
    return {
      spec,
      status: () => this.#status(),
      introduce: async (signal) => (this.#lister()?.introduce ?? nobody)(signal),
      list: async (kind, signal) => (this.#lister()?.list ?? nobody)(kind, signal),
      call: nobody,
      watch: () => undefined,
      tasks: { see: nobody, result: nobody, update: nobody, cancel: nobody },
      close: () => this.#close(),
    }
  }

  /** Whoever was here first, while they are: lists of several people would only take turns. */
  #lister(): Upstream | undefined {
    const all = [...this.#members.values()]
    return all.find(({ upstream }) => upstream.status().state === 'ready')?.upstream
  }

  #status(): UpstreamStatus {
    const all = [...this.#members.values()].map(({ upstream }) => upstream.status())
    const state = STATES.find((one) => all.some((status) => status.state === one)) ?? 'idle'
    const shown = all.find((status) => status.state === state)
    const sum = (key: 'restarts' | 'inFlight'): number =>
      all.reduce((total, status) => total + status[key], 0)
    return {
      state: this.#isClosed ? 'closed' : state,
      introduction: shown?.introduction,
      pid: undefined,
      restarts: sum('restarts'),
      inFlight: sum('inFlight'),
      // That one of many has not connected it is no problem of the server.
      problem: shown?.isUnconnected === true ? undefined : shown?.problem,
      stderr: [],
    }
  }

  #add(who: Principal): Member {
    const { id } = this.#spec
    if (this.#isClosed) throw upstreamFault('upstream/unavailable', id, 'is closed.')
    if (this.#members.size >= this.#max) this.#makeRoom()
    const member = { upstream: this.#make(who), usedAt: 0 }
    this.#members.set(who.id, member)
    return member
  }

  /** Whoever is at work keeps their place; of the others the one who was away longest loses it. */
  #makeRoom(): void {
    const [away] = [...this.#members]
      .filter(([, { upstream }]) => isAtRest(upstream.status()))
      .toSorted(([, a], [, b]) => a.usedAt - b.usedAt)
    if (!away) {
      const what = 'is used by as many people as it may be at one time; try again later.'
      throw upstreamFault('upstream/unavailable', this.#spec.id, what)
    }
    const [id, { upstream }] = away
    this.#members.delete(id)
    void upstream.close()
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#members.values()].map(({ upstream }) => upstream.close()))
  }
}

/** The state of a server that several reach: the best there is. */
const STATES: readonly UpstreamState[] = ['ready', 'connecting', 'backoff', 'idle']

const isAtRest = ({ inFlight, state }: UpstreamStatus): boolean =>
  inFlight === 0 && state !== 'connecting'
