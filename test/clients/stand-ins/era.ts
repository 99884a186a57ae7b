/** How a stand-in opens its conversation, and what each later request carries because of it. */
import { json, words, type Json } from '../model/wire.ts'
import { post } from './connection.ts'
import type { Manners } from './manners.ts'

const MODERN = '2026-07-28'
const META = 'io.modelcontextprotocol'

export interface Era {
  readonly name: 'legacy' | 'modern'
  readonly headers: (method: string, params: Json) => Readonly<Record<string, string>>
  /** What goes into `params._meta`, beside the token for progress. */
  readonly meta: Json
}

/** One request whose answer is a single message; undefined where it is refused. */
async function ask(url: URL, message: Json, headers: Readonly<Record<string, string>>) {
  const signal = AbortSignal.timeout(10_000)
  const { session, pieces } = await post({ url, message, headers, signal })
  for await (const messages of pieces) {
    for (const { result } of messages)
      if (result !== undefined) return { session, result: json(result) }
  }
  return { session, result: undefined }
}

export async function openEra(url: URL, manners: Manners): Promise<Era> {
  if (manners.speaks === 'modern') {
    const era = modern(manners)
    const params = { _meta: era.meta }
    const message = { jsonrpc: '2.0', id: 'probe', method: 'server/discover', params }
    const { result } = await ask(url, message, era.headers('server/discover', params))
    // Without these two a measured client falls back without a word.
    if (result !== undefined && 'ttlMs' in result && 'cacheScope' in result) return era
  }
  return initialize(url, manners)
}

const modern = ({ clientInfo, capabilities }: Manners): Era => ({
  name: 'modern',
  headers: (method, params) => ({
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {}),
  }),
  meta: {
    [`${META}/protocolVersion`]: MODERN,
    [`${META}/clientInfo`]: clientInfo,
    [`${META}/clientCapabilities`]: capabilities,
  },
})

async function initialize(url: URL, manners: Manners): Promise<Era> {
  const { clientInfo, capabilities, speaks } = manners
  const protocolVersion = speaks === 'modern' ? '2025-11-25' : speaks
  const params = { protocolVersion, capabilities, clientInfo }
  const { session, result } = await ask(
    url,
    { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params },
    {},
  )
  const headers = {
    'mcp-protocol-version': words(result?.['protocolVersion']),
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
  }
  const signal = AbortSignal.timeout(10_000)
  const message = { jsonrpc: '2.0', method: 'notifications/initialized' }
  await post({ url, message, headers, signal })
  return { name: 'legacy', headers: () => headers, meta: {} }
}
