import { textAt } from '@countersign/contract'
import { digestOf, type World } from '#base'
import type { Records } from '#store'
import { accountIn, aliasOf, valueOf, type Account, type Link } from './account.ts'

/** Those who may sign in here. */
export interface Accounts {
  readonly get: (id: string) => Promise<Account | undefined>
  /** By what somebody types to sign in. */
  readonly named: (name: string) => Promise<Account | undefined>
  /** By name or id, for whoever administers them. */
  readonly find: (nameOrId: string) => Promise<Account | undefined>
  /** Undefined when the name is taken. */
  readonly add: (name: string) => Promise<Account | undefined>
  /** The account of somebody whom an OpenID provider knows; made at the first sign-in. */
  readonly linked: (link: Link, name: string) => Promise<{ account: Account; isNew: boolean }>
  /** The same account, if there is one. */
  readonly knownAs: (link: Link) => Promise<Account | undefined>
  /** What it became, or undefined when it is gone. */
  readonly change: (id: string, next: (account: Account) => Account) => Promise<Account | undefined>
  /** With its sessions and links. */
  readonly remove: (id: string) => Promise<boolean>
  /** Ends its sessions and links; the account stays. */
  readonly endSessions: (id: string) => Promise<void>
  readonly all: () => AsyncGenerator<Account>
  readonly isEmpty: () => Promise<boolean>
}

const ACCOUNT = 'Account'
const LINK = 'AccountLink'
const PAGE = 200
/** Every try that fails is one in which another's change went through. */
const TRIES_MAX = 100

/** What ends with the account's sessions; what is only removed with the account itself. */
export const sessionsOf = (id: string): string => `sessions of ${id}`
const linksOf = (id: string): string => `links of ${id}`

export function makeAccounts(world: World, records: Records): Accounts {
  const get = async (id: string): Promise<Account | undefined> => {
    const saved = await records.get(ACCOUNT, id)
    return saved && accountIn(saved)
  }
  const named = async (name: string): Promise<Account | undefined> => {
    const saved = await records.getByAlias(ACCOUNT, aliasOf(name))
    return saved && accountIn(saved)
  }
  const fresh = (name: string, provider?: Link): Account => ({
    id: uuidOf(world.random(UUID_BYTES)),
    name,
    addedAt: world.now(),
    isDisabled: false,
    password: undefined,
    passkeys: [],
    provider,
  })
  const endSessions = async (id: string): Promise<void> => {
    await records.removeGroup(sessionsOf(id))
  }
  return {
    get,
    named,
    all: () => allOf(records),
    endSessions,
    find: async (nameOrId) => {
      const found = (await named(nameOrId)) ?? (await get(nameOrId))
      if (found) return found
      // Names that a provider gave are not unique: only one that no other has is meant.
      const same: Account[] = []
      for await (const one of allOf(records)) if (one.name === nameOrId) same.push(one)
      return same.length === 1 ? same[0] : undefined
    },
    add: async (name) => {
      const account = fresh(name)
      const isAdded = await records.add(ACCOUNT, account.id, valueOf(account), {
        alias: aliasOf(name),
      })
      return isAdded ? account : undefined
    },
    knownAs: async (link) => {
      const known = await records.get(LINK, linkId(link))
      return known && get(textAt(known.value, 'account'))
    },
    linked: (link, name) => linkedTo({ records, get }, link, fresh(name, link)),
    change: (id, next) => changeOf(records, id, next),
    remove: async (id) => {
      const isGone = await records.remove(ACCOUNT, id)
      await records.removeGroup(linksOf(id))
      await endSessions(id)
      return isGone
    },
    isEmpty: async () => (await records.list(ACCOUNT, { limit: 1 })).length === 0,
  }
}

const UUID_BYTES = 16

/** RFC 9562 §5.4: random but for its version and variant. */
function uuidOf(random: Buffer): string {
  const bytes = Buffer.from(random)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

async function* allOf(records: Records): AsyncGenerator<Account> {
  let after = ''
  for (;;) {
    const page = await records.list(ACCOUNT, { after, limit: PAGE })
    for (const saved of page) yield accountIn(saved)
    if (page.length < PAGE) return
    after = page.at(-1)?.id ?? ''
  }
}

async function changeOf(
  records: Records,
  id: string,
  next: (account: Account) => Account,
): Promise<Account | undefined> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const saved = await records.get(ACCOUNT, id)
    if (!saved) return undefined
    const changed = next(accountIn(saved))
    if (await records.swap(ACCOUNT, id, saved.revision, { value: valueOf(changed) })) return changed
  }
  throw new Error('an account that is always being changed')
}

const linkId = ({ issuer, subject }: Link): string => digestOf(`${issuer}\n${subject}`)

/** AS37: issuer and subject are who somebody is; a name or an address may become another's. */
async function linkedTo(
  { records, get }: { readonly records: Records; readonly get: Accounts['get'] },
  link: Link,
  fresh: Account,
): Promise<{ account: Account; isNew: boolean }> {
  const id = linkId(link)
  const known = await records.get(LINK, id)
  const account = known && (await get(textAt(known.value, 'account')))
  if (account) return { account, isNew: false }
  if (known) await records.remove(LINK, id)
  await records.add(ACCOUNT, fresh.id, valueOf(fresh))
  const isOurs = await records.add(LINK, id, { account: fresh.id }, { group: linksOf(fresh.id) })
  if (isOurs) return { account: fresh, isNew: true }
  // Signed in twice at one moment: the other was first.
  await records.remove(ACCOUNT, fresh.id)
  return linkedTo({ records, get }, link, fresh)
}
