import { isObject, own, type JsonObject } from '@countersign/contract'
import { Unfetched, type SafeFetch } from './safe-fetch.ts'
import type { IssuerSettings } from './settings.ts'

/** What we need to know of an authorization server. */
export interface IssuerMetadata {
  readonly jwksUri: string | undefined
  readonly introspectionUrl: string | undefined
  /** All of it. */
  readonly json: JsonObject
}

/**
 * Where an issuer may describe itself: RFC 8414, then OpenID Connect, path inserted before path
 * appended (MCP 2026-07-28 Authorization Server Metadata Discovery).
 */
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`
  const inserted = `${origin}/.well-known/openid-configuration${path}`
  return path === ''
    ? [oauth, inserted]
    : [oauth, inserted, `${origin}${path}/.well-known/openid-configuration`]
}

/** Reads the metadata of an issuer. What names another issuer is not its metadata (RFC 8414 §3.3). */
export async function discover(
  safeFetch: SafeFetch,
  { issuer, reach }: Pick<IssuerSettings, 'issuer' | 'reach'>,
): Promise<IssuerMetadata> {
  const problems: string[] = []
  for (const url of metadataUrls(issuer)) {
    const { status, json } = await safeFetch.ask({ url, reach })
    if (status !== 200 || !isObject(json)) problems.push(`${url} answers ${String(status)}`)
    else if (own(json, 'issuer') !== issuer) problems.push(`${url} speaks of another issuer`)
    else {
      return {
        jwksUri: textIn(json, 'jwks_uri'),
        introspectionUrl: textIn(json, 'introspection_endpoint'),
        json,
      }
    }
  }
  throw new Unfetched(problems.join('; '))
}

export function textIn(fields: JsonObject, key: string): string | undefined {
  const value = own(fields, key)
  return typeof value === 'string' ? value : undefined
}
