import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import { discover, Unfetched, type IssuerSettings, type SafeFetch } from '#auth'
import type { World } from '#base'
import type { Finding } from '../doctor.ts'
import { about, timeFromNow } from './finding.ts'

export interface IssuerRooms {
  readonly world: World
  readonly safeFetch: SafeFetch
  readonly skewMs: number
}

/** Whether an issuer can be asked, is the one it should be, and can serve clients of MCP. */
export async function checkIssuer(
  rooms: IssuerRooms,
  settings: IssuerSettings,
): Promise<readonly Finding[]> {
  const at = about(`issuer ${settings.issuer}`)
  try {
    const { json, jwksUri } = await discover(rooms.safeFetch, settings)
    const uri = settings.jwksUri ?? jwksUri
    const keys = uri === undefined ? [noKeys(settings)] : await checkKeys(rooms, settings, uri)
    return [
      at.pass('its metadata is there, and speaks of it'),
      ...keys,
      ...forClients(settings, json),
    ]
  } catch (thrown) {
    if (!(thrown instanceof Unfetched)) throw thrown
    return [at.fail(thrown.message, remedyFor(thrown.message, settings))]
  }
}

/** The one thing to do when it cannot be fetched. */
export function remedyFor(
  problem: string,
  { issuer, reach }: Pick<IssuerSettings, 'issuer' | 'reach'>,
): string {
  if (problem.includes('another issuer')) {
    return 'write the issuer in the configuration exactly as its metadata says "issuer": a slash at the end counts'
  }
  if (/address|not public|private/i.test(problem) && reach === 'public') {
    return `if ${issuer} has a private address on purpose, set "network: private" for it`
  }
  return `open its metadata from this machine: curl ${issuer}/.well-known/openid-configuration`
}

const noKeys = ({ issuer }: IssuerSettings): Finding =>
  about(`issuer ${issuer}`).fail('its metadata names no keys', 'set auth.issuers[].jwksUri')

async function checkKeys(
  { world, safeFetch, skewMs }: IssuerRooms,
  { issuer, algorithms, reach }: IssuerSettings,
  url: string,
): Promise<readonly Finding[]> {
  const [at, time] = [about(`keys of ${issuer}`), about(`clock of ${issuer}`)]
  const { status, json, headers } = await safeFetch.ask({ url, reach })
  const keys = isObject(json) ? own(json, 'keys') : undefined
  if (status !== 200 || !Array.isArray(keys)) {
    return [at.fail(`${url} answers ${String(status)}, and no keys`, 'set auth.issuers[].jwksUri')]
  }
  const named = keys
    .filter(isObject)
    .map((key) => textAt(key, 'alg'))
    .filter((alg) => alg !== '')
  const usable = named.filter((alg) => algorithms.some((one) => one === alg))
  const said = `${String(keys.length)} at ${url}${named.length > 0 ? ` (${[...new Set(named)].join(', ')})` : ''}`
  const date = Date.parse(String(headers['date'] ?? ''))
  const aheadMs = date - world.now()
  return [
    named.length > 0 && usable.length === 0
      ? at.fail(
          said,
          `let auth.issuers[].algorithms name one of theirs, not ${algorithms.join(', ')}`,
        )
      : at.pass(said),
    ...(Math.abs(aheadMs) > skewMs + 1_000
      ? [
          time.fail(
            `its time is ${timeFromNow(aheadMs)}, and tokens may differ by ${String(skewMs / 1_000)} s`,
            'set the clock of this machine by NTP',
          ),
        ]
      : Number.isNaN(date)
        ? []
        : [time.pass('as ours')]),
  ]
}

/** What MCP clients need of an authorization server, beyond what we need of it. */
function forClients({ issuer, dpop }: IssuerSettings, metadata: JsonObject): readonly Finding[] {
  const at = about(`clients of ${issuer}`)
  const list = (name: string): readonly unknown[] => {
    const value = own(metadata, name)
    return Array.isArray(value) ? value : []
  }
  const hasPkce = list('code_challenge_methods_supported').includes('S256')
  const knowsStrangers =
    own(metadata, 'client_id_metadata_document_supported') === true ||
    typeof own(metadata, 'registration_endpoint') === 'string'
  const isBinding = list('dpop_signing_alg_values_supported').length > 0
  return [
    hasPkce
      ? at.pass('PKCE with S256')
      : at.warn(
          'its metadata does not name S256 in code_challenge_methods_supported: clients have to refuse it',
          'switch on PKCE at the issuer, or use the embedded authorization server',
        ),
    ...(knowsStrangers
      ? []
      : [
          at.warn(
            'it takes no clients that it does not know',
            'register each client there, and give it its client id by hand',
          ),
        ]),
    ...(dpop === 'required' && !isBinding
      ? [at.fail('it says nothing of DPoP, which is required of it', 'set dpop: accepted')]
      : []),
  ]
}
