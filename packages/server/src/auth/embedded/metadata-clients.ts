import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { World } from '#base'
import type { Log } from '#telemetry'
import { pacer } from './flood.ts'
import type { MetadataClients } from './settings.ts'
import type { People } from './signed-in.ts'

const URL_CHARS_MAX = 512
/** AS13: how often documents are fetched, of one host and of all; a document is kept after that. */
const OF_ONE_HOST = { burst: 10, perMinute: 10, keysMax: 1_000 }
const OF_ALL = { burst: 60, perMinute: 60, keysMax: 1 }

export interface MetadataRooms {
  readonly world: World
  readonly log: Log
  readonly people: People
}

/** Which clients may describe themselves at a URL, and when that is asked for (AS6 to AS14). */
export function metadataClientRules(
  { world, log, people }: MetadataRooms,
  { from, domains }: MetadataClients,
): {
  readonly allowFetch: (ctx: KoaContextWithOIDC, id: string) => Promise<boolean>
  readonly allowClient: (ctx: KoaContextWithOIDC, client: Client) => boolean
} {
  const ofOneHost = pacer(world, OF_ONE_HOST)
  const ofAll = pacer(world, OF_ALL)
  const refuse = (id: string, why: string): false => {
    log.warn({ client: id.slice(0, URL_CHARS_MAX), why }, 'a client document is not fetched')
    return false
  }
  const isTrusted = (id: string): boolean => from === 'open' || isOfDomains(id, domains)
  return {
    allowFetch: async (ctx, id) => {
      if (!isClientUrl(id)) return refuse(id, 'not the URL of a client')
      if (!isTrusted(id)) return refuse(id, 'its domain is not listed')
      // AS13: whoever is not signed in makes us ask nobody. The other endpoints know no browser.
      const isBrowser = ctx.oidc.route === 'authorization'
      if (isBrowser && (await people.personOf(ctx.req)) === undefined) {
        return refuse(id, 'nobody is signed in')
      }
      const { host } = new URL(id)
      if (!ofOneHost(host) || !ofAll('')) return refuse(id, 'too many documents are asked for')
      return true
    },
    // AS7: the one required field that the provider does without.
    allowClient: (_ctx, { clientName }) =>
      typeof clientName === 'string' && clientName.trim() !== '',
  }
}

/** AS8: https with a path, read as a text: without dot segments, user or fragment. */
export function isClientUrl(id: string): boolean {
  if (id.length > URL_CHARS_MAX || !URL.canParse(id)) return false
  const [, authority = '', path = ''] = /^https:\/\/([^/?#]+)(\/[^?#]*)/.exec(id) ?? []
  const isPlain = path.split('/').every((segment) => !/^(?:\.|%2e){1,2}$/i.test(segment))
  const hasMore = authority.includes('@') || id.includes('#') || /[\s\\]/.test(id)
  return path.length > 1 && isPlain && !hasMore && new URL(id).protocol === 'https:'
}

/** `example.com` is that host alone, `*.example.com` every host below it. */
function isOfDomains(id: string, domains: readonly string[]): boolean {
  const { hostname } = new URL(id)
  return domains.some((domain) =>
    domain.startsWith('*.') ? hostname.endsWith(domain.slice(1)) : hostname === domain,
  )
}
