import { createHash } from 'node:crypto'
import type { World } from '#base'
import type { Records } from '#store'
import { textIn } from './account.ts'
import { sessionsOf } from './accounts.ts'

/** Links by which somebody gives themselves a password or a passkey: one use, one day. */
export interface Enrolments {
  /** For an account, or for the first one, which has no name yet. Older links of it are over. */
  readonly make: (account: string | undefined) => Promise<EnrolLink>
  /** What the link of this token is for, while it may be used. */
  readonly find: (token: string) => Promise<Enrolment | undefined>
  /** True for the first who uses it. */
  readonly use: (token: string) => Promise<boolean>
}

interface EnrolLink {
  readonly token: string
  readonly until: number
}

interface Enrolment {
  readonly account: string | undefined
}

/** Where links lead, with the token behind it. */
export const ENROL_PATH = '/oauth/enrol/'

const KIND = 'Enrolment'
const FIRST = 'first account'
const VALID_MS = 24 * 3_600_000
const TOKEN_BYTES = 32
const TOKEN = /^[\w-]{43}$/

export function makeEnrolments(world: World, records: Records): Enrolments {
  return {
    make: async (account) => {
      const token = world.random(TOKEN_BYTES).toString('base64url')
      const until = world.now() + VALID_MS
      const alias = account ?? FIRST
      const before = await records.getByAlias(KIND, alias)
      if (before) await records.remove(KIND, before.id)
      await records.put(KIND, idOf(token), account === undefined ? {} : { account }, {
        until,
        alias,
        ...(account === undefined ? {} : { group: sessionsOf(account) }),
      })
      return { token, until }
    },
    find: async (token) => {
      const saved = TOKEN.test(token) ? await records.get(KIND, idOf(token)) : undefined
      if (!saved || saved.usedAt !== undefined) return undefined
      return { account: textIn(saved.value, 'account') }
    },
    use: (token) => records.use(KIND, idOf(token)),
  }
}

/** Only its digest is kept: who reads the store cannot use it. */
const idOf = (token: string): string => createHash('sha256').update(token).digest('base64url')
