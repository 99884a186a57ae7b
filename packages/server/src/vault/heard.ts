import type { JsonObject } from '@countersign/contract'
import { Unfetched } from '#auth'
import type { Records } from '#store'
import { challengeOf, unionOf, type Challenge } from './challenge.ts'
import type { FetchLike } from './sdk.ts'

/** What a server said when it refused a credential of this owner, or none: what the next one needs. */
export interface Heard {
  readonly metadataUrl: string | undefined
  readonly asksForProof: boolean
  /** Every scope that was asked for so far (OC14). */
  readonly scopes: readonly string[]
  /** How often in a row it asked for scopes that were asked for before. */
  readonly stepUps: number
}

/** What servers said, by (server, owner), for every node. */
export interface Ears {
  readonly recall: (server: string, owner: string) => Promise<Heard | undefined>
  /** `before`: scopes that were asked for beside those that were heard. */
  readonly hear: (
    server: string,
    owner: string,
    challenge: Challenge,
    before?: readonly string[],
  ) => Promise<Heard>
  readonly forget: (server: string, owner: string) => Promise<void>
}

const KIND = 'UpstreamChallenge'
/** A server that changed its mind is heard again after this. */
const HEARD_MS = 24 * 60 * 60_000
/** Of what a server may make us remember. */
const SCOPES_MAX = 100

export function makeEars(now: () => number, records: Records): Ears {
  const recall = async (server: string, owner: string): Promise<Heard | undefined> => {
    const saved = await records.get(KIND, idOf(server, owner))
    return saved && heardIn(saved.value)
  }
  return {
    recall,
    hear: async (server, owner, challenge, before = []) => {
      const last = await recall(server, owner)
      const asked = last?.scopes ?? []
      const isStepUp = challenge.error === 'insufficient_scope'
      const isNew = challenge.scopes.some((scope) => !asked.includes(scope))
      const heard: Heard = {
        metadataUrl: challenge.metadataUrl ?? last?.metadataUrl,
        asksForProof: challenge.asksForProof,
        scopes: unionOf(asked, before, challenge.scopes).slice(0, SCOPES_MAX),
        stepUps: isStepUp && !isNew ? (last?.stepUps ?? 0) + 1 : 1,
      }
      const value: JsonObject = {
        ...heard,
        metadataUrl: heard.metadataUrl ?? null,
        scopes: [...heard.scopes],
      }
      await records.put(KIND, idOf(server, owner), value, { until: now() + HEARD_MS })
      return heard
    },
    forget: async (server, owner) => {
      await records.remove(KIND, idOf(server, owner))
    },
  }
}

const idOf = (server: string, owner: string): string => JSON.stringify([server, owner])

const heardIn = ({ metadataUrl, asksForProof, scopes, stepUps }: JsonObject): Heard => ({
  metadataUrl: typeof metadataUrl === 'string' ? metadataUrl : undefined,
  asksForProof: asksForProof === true,
  scopes: Array.isArray(scopes) ? scopes.map(String) : [],
  stepUps: Number(stepUps),
})

/**
 * What the server says to a request without a credential: where its metadata is and which scopes it
 * needs at first (OC1, OC13). A ping has no effect, whoever answers it.
 */
export async function listenTo(url: string, fetchFn: FetchLike): Promise<Challenge> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  try {
    const answer = await fetchFn(url, { method: 'POST', headers, body })
    const said = answer.status === 401 ? answer.headers.get('www-authenticate') : null
    return challengeOf({ challenges: said === null ? [] : [said] })
  } catch (cause) {
    // A server that keeps such a request open says nothing of it: its well-known metadata may.
    if (cause instanceof Unfetched) return challengeOf({ challenges: [] })
    throw cause
  }
}
