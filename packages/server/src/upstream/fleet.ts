import { localAuthenticator, type Principal } from '#auth'
import type { Vault } from '#vault'
import { credentialOf } from './credential.ts'
import { makeUpstream, type KeptUpstream, type UpstreamRooms } from './make-upstream.ts'
import { PersonalUpstreams, type PersonalWatch } from './personal.ts'
import type { ServerSpec, Upstream, UpstreamEvent, Watch } from './upstream.ts'

export interface FleetRooms extends Omit<UpstreamRooms, 'onEvent' | 'credential' | 'isPersonal'> {
  /** Undefined where no server asks for credentials. */
  readonly vault: Vault | undefined
  /** `whose`: the principal on whose connection it was said; undefined where it is everybody's. */
  readonly onEvent: (server: string, event: UpstreamEvent, whose: Principal | undefined) => void
}

/** Every configured server: one connection for all, or one for each principal. */
export interface Fleet {
  /** Each server as one: what is listed, watched and shown to the operator. */
  readonly faces: ReadonlyMap<string, Upstream>
  /** The way of exactly this principal to a server. */
  readonly upstream: (server: string, who: Principal) => Upstream
  /** Each principal reaches it on a connection of their own. */
  readonly isPersonal: (server: string) => boolean
  /** Somebody connected it anew; without a principal, for all. */
  readonly renew: (server: string, principal: string | undefined) => void
  /** What everybody together wants to hear of a server. */
  readonly watch: (server: string, watch: Watch) => void
  /** What each principal wants to hear of a server that each has for themselves; others nothing. */
  readonly watchEach: (server: string, wanted: readonly PersonalWatch[]) => void
  readonly close: () => Promise<void>
}

export function makeFleet(rooms: FleetRooms, specs: readonly ServerSpec[]): Fleet {
  const faces = new Map<string, Upstream>()
  const shared = new Map<string, KeptUpstream>()
  const personal = new Map<string, PersonalUpstreams>()
  const { vault, onEvent, ...rest } = rooms
  const open = (spec: ServerSpec, whose: Principal | undefined): KeptUpstream => {
    const isShown = vault && spec.auth
    // The service's own credential is shown for nobody in particular.
    const credential = isShown && credentialOf(vault, spec.id, whose ?? localAuthenticator())
    return makeUpstream(
      {
        ...rest,
        onEvent: (server, event) => {
          onEvent(server, event, whose)
        },
        ...(credential ? { credential } : {}),
        isPersonal: whose !== undefined,
      },
      spec,
    )
  }
  for (const spec of specs) {
    if (spec.auth?.per === 'principal') {
      // Nobody in particular is there to be started for.
      const own = { ...spec, start: 'demand' } as const
      const members = new PersonalUpstreams(own, (who) => open(own, who))
      personal.set(spec.id, members)
      faces.set(spec.id, members.face())
    } else {
      const upstream = open(spec, undefined)
      shared.set(spec.id, upstream)
      faces.set(spec.id, upstream)
    }
  }
  return {
    faces,
    upstream: (server, who) => {
      const found = personal.get(server)?.of(who) ?? shared.get(server)
      if (!found) throw new Error(`no server ${server}`)
      return found
    },
    isPersonal: (server) => personal.has(server),
    renew: (server, principal) => {
      if (principal === undefined) renew(shared.get(server))
      else renew(personal.get(server)?.known(principal))
    },
    watch: (server, watch) => {
      shared.get(server)?.watch(watch)
    },
    watchEach: (server, wanted) => {
      personal.get(server)?.watchEach(wanted)
    },
    close: async () => {
      await Promise.allSettled([...faces.values()].map((one) => one.close()))
    },
  }
}

/** Whoever connects a server wants to use it, and to see what it offers. */
function renew(upstream: KeptUpstream | undefined): void {
  upstream?.renew()
  upstream?.introduce().catch(() => undefined) // Its status says why.
}
