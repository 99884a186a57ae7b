import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '@countersign/contract'
import type { World } from '#base'
import type { Records, Saved } from '#store'
import type { Cookie } from '../pages/cookies.ts'
import { numberIn, textIn } from './account.ts'
import { sessionsOf, type Accounts } from './accounts.ts'
import type { Person } from './person.ts'

/** Browsers in which somebody is signed in. The cookie is random; what it stands for is kept here. */
export interface Sessions {
  /** Begins a new one, under a new cookie: one that was there before is over. */
  readonly begin: (
    request: IncomingMessage,
    response: ServerResponse,
    person: Person,
  ) => Promise<void>
  readonly personOf: (request: IncomingMessage) => Promise<Person | undefined>
  readonly end: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

const KIND = 'SignIn'
const COOKIE_BYTES = 32
/** Nobody did anything in it for this long: it is over. */
const IDLE_MS = 12 * 3_600_000
/** However often it is used. */
const WHOLE_MS = 30 * 24 * 3_600_000
/** That it is used is written down this often. */
const TOUCH_MS = 10 * 60_000
const MEANS: readonly Person['means'][] = ['password', 'passkey', 'provider']

interface Rooms {
  readonly world: World
  readonly records: Records
  readonly accounts: Accounts
  readonly cookie: Cookie
}

export function makeSessions({ world, records, accounts, cookie }: Rooms): Sessions {
  const end = async (request: IncomingMessage): Promise<void> => {
    const before = cookie.read(request)
    if (before !== undefined) await records.remove(KIND, idOf(before))
  }
  return {
    begin: async (request, response, person) => {
      await end(request)
      const token = world.random(COOKIE_BYTES).toString('base64url')
      const now = world.now()
      const value = { ...person, startedAt: now, usedAt: now }
      await records.put(KIND, idOf(token), value, {
        until: now + IDLE_MS,
        ...(person.account === undefined ? {} : { group: sessionsOf(person.account) }),
      })
      cookie.write(response, token)
    },
    personOf: async (request) => {
      const token = cookie.read(request)
      const saved = token === undefined ? undefined : await records.get(KIND, idOf(token))
      const person = saved && personIn(saved.value)
      if (!person) return undefined
      if (person.account !== undefined) {
        const account = await accounts.get(person.account)
        if (!account || account.isDisabled) return undefined
      }
      await touch(world, records, saved)
      return person
    },
    end: async (request, response) => {
      await end(request)
      cookie.clear(response)
    },
  }
}

const idOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

async function touch(
  world: World,
  records: Records,
  { id, value, revision }: Saved,
): Promise<void> {
  const now = world.now()
  if (now - numberIn(value, 'usedAt') < TOUCH_MS) return
  const until = Math.min(now + IDLE_MS, numberIn(value, 'startedAt') + WHOLE_MS)
  // Another request of the same browser may have been first: then there is nothing to do.
  await records.swap(KIND, id, revision, { value: { ...value, usedAt: now }, until })
}

function personIn(value: JsonObject): Person | undefined {
  const [principal, account, name] = ['principal', 'account', 'name'].map((key) =>
    textIn(value, key),
  )
  const means = MEANS.find((one) => one === value['means'])
  if (principal === undefined || name === undefined || means === undefined) return undefined
  const provedAt = numberIn(value, 'provedAt')
  return { principal, name, means, provedAt, ...(account === undefined ? {} : { account }) }
}
