import {
  isLegacy,
  isObject,
  LEGACY_REVISIONS,
  META,
  MODERN_REVISIONS,
  own,
  type JsonObject,
  type LegacyRevision,
} from '@countersign/contract'
import type { World } from '#base'
import { envelope } from './envelope.ts'
import type { Answer } from './flight.ts'
import { GATEWAY } from './link.ts'
import type { Rpc } from './rpc.ts'
import { within } from './start-child.ts'
import type { Introduction } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'

/** Generous: a first start may download what it runs. */
const HANDSHAKE_MS = 60_000
const TAKEN_MS = 10_000

/**
 * What a legacy session may be asked, fixed for its whole life. More than any one client can do: per
 * call it is checked what that call's client declared.
 */
const PROFILE: JsonObject = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: {},
}

/** Asks a server what it is in the modern way (V-020). */
export const discover = (rpc: Rpc, signal: AbortSignal): Promise<Answer> =>
  rpc.request({
    id: rpc.nextId(),
    method: 'server/discover',
    params: { _meta: envelope(MODERN_REVISIONS[0], {}) },
    revision: MODERN_REVISIONS[0],
    timeoutMs: HANDSHAKE_MS,
    signal,
    cancellable: false,
  })

/** What a modern server said of itself; undefined unless it serves a revision that we speak (S-014). */
export function introductionOf(result: JsonObject, now: number): Introduction | undefined {
  const versions = own(result, 'supportedVersions')
  const revision = MODERN_REVISIONS.find((one) => Array.isArray(versions) && versions.includes(one))
  const type = own(result, 'resultType')
  if (!revision || (type !== undefined && type !== 'complete')) return undefined // V-030
  const meta = objectAt(result, '_meta')
  return {
    era: 'modern',
    revision,
    capabilities: objectAt(result, 'capabilities'),
    serverInfo: objectAt(meta, META.serverInfo),
    instructions: textAt(result, 'instructions'),
    probedAt: now,
  }
}

/** Asks for a session (V-001). */
export const initialize = (rpc: Rpc, signal: AbortSignal): Promise<Answer> =>
  rpc.request({
    id: rpc.nextId(),
    method: 'initialize',
    params: {
      protocolVersion: LEGACY_REVISIONS[0],
      capabilities: PROFILE,
      clientInfo: GATEWAY,
    },
    revision: undefined,
    timeoutMs: HANDSHAKE_MS,
    signal,
    cancellable: false,
  })

/** Completes the handshake, or refuses a server whose revision we do not speak (V-003, V-004). */
export async function complete(
  { world, server }: { readonly world: World; readonly server: string },
  rpc: Rpc,
  result: JsonObject,
  probedAt: number,
): Promise<Introduction> {
  const said = own(result, 'protocolVersion')
  const revision = readRevision(said)
  if (!revision) {
    const name = typeof said === 'string' ? JSON.stringify(said.slice(0, 40)) : 'none'
    const what = `speaks a protocol revision that is not supported (${name}).`
    throw upstreamFault('upstream/unavailable', server, what)
  }
  await within(world, TAKEN_MS, rpc.initialized(revision))
  return {
    era: 'legacy',
    revision,
    capabilities: objectAt(result, 'capabilities'),
    serverInfo: objectAt(result, 'serverInfo'),
    instructions: textAt(result, 'instructions'),
    probedAt,
  }
}

// 2024-11-05 differs from its successor only by what it lacks, which capabilities already say.
function readRevision(said: unknown): LegacyRevision | undefined {
  if (said === '2024-11-05') return '2025-03-26'
  return isLegacy(said) ? said : undefined
}

function objectAt(value: JsonObject, key: string): JsonObject {
  const found = own(value, key)
  return isObject(found) ? found : {}
}

function textAt(value: JsonObject, key: string): string | undefined {
  const found = own(value, key)
  return typeof found === 'string' ? found : undefined
}
