import { hash } from 'node:crypto'
import { Fault, isObject, own, type JsonObject } from '@countersign/contract'
import type { Records } from '#store'
import type { Grant } from './grant.ts'
import { isClassScope, type ScopeEpochs } from './scopes.ts'

const KIND = 'ScopeEpoch'
/** Whoever loses this often against others of the same client finds what they wrote. */
const TRIES = 8

/** What a class scope means for somebody whose issuer does not say when it was given. */
export interface ClassEpochs {
  /** The epochs that the class scopes of a token are of; undefined where they grow. */
  readonly of: (grant: Grant) => Promise<ScopeEpochs | undefined>
}

/**
 * AS38: the first use of a class scope through a client freezes what it covers. Kept for good: what
 * expired would grow.
 */
export function classEpochs(records: Records, epoch: () => number): ClassEpochs {
  const frozen = async (id: string, group: string, scopes: readonly string[]): Promise<Epochs> => {
    for (let at = 0; at < TRIES; at++) {
      const kept = await records.get(KIND, id)
      const known = readEpochs(kept?.value)
      const fresh = scopes.filter((scope) => !Object.hasOwn(known, scope))
      if (fresh.length === 0) return known
      const now = epoch()
      const all = { ...known, ...Object.fromEntries(fresh.map((scope) => [scope, now])) }
      const value: JsonObject = { scopes: all }
      const isWritten = kept
        ? await records.swap(KIND, id, kept.revision, { value })
        : await records.add(KIND, id, value, { group })
      if (isWritten) return all
    }
    throw new Error('always changed by others')
  }
  return {
    of: async ({ settings, subject, client, scopes, epoch: given }) => {
      if (settings.classes === 'growing') return undefined
      if (settings.classes === 'claimed' && given !== undefined) return given
      const classes = scopes.filter(isClassScope)
      if (classes.length === 0) return undefined
      const { issuer } = settings
      const id = hash('sha256', JSON.stringify([issuer, subject, client ?? '']), 'base64url')
      try {
        return await frozen(id, groupOf(issuer, subject), classes)
      } catch (cause) {
        throw new Fault('auth/unavailable', 'What its scopes mean cannot be looked up.', { cause })
      }
    },
  }
}

type Epochs = Readonly<Record<string, number>>

/** What is kept for one principal, which goes with what else it was given. */
export const epochGroup = (principal: string): string => `${KIND} ${principal}`

const groupOf = (issuer: string, subject: string): string =>
  epochGroup(`${issuer}#${encodeURIComponent(subject.toWellFormed())}`)

function readEpochs(value: JsonObject | undefined): Epochs {
  const scopes = value && own(value, 'scopes')
  if (!isObject(scopes)) return {}
  return Object.fromEntries(
    Object.entries(scopes).flatMap(([scope, at]) => (typeof at === 'number' ? [[scope, at]] : [])),
  )
}
