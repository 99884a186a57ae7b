import { Fault } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'
import type { Records } from '#store'
import { principalId } from '../principal.ts'
import { loginName, NAME_RULE, type Account } from './account.ts'
import { makeAccounts, type Accounts } from './accounts.ts'
import { ENROL_PATH, makeEnrolments } from './enrolments.ts'

/** What whoever runs the house does about accounts. */
export interface Users {
  readonly list: () => Promise<readonly User[]>
  readonly add: (name: string) => Promise<UserLink>
  /** Another link; those before it are over. */
  readonly link: (nameOrId: string) => Promise<UserLink>
  readonly disable: (nameOrId: string, isDisabled: boolean) => Promise<User>
  readonly remove: (nameOrId: string) => Promise<User>
  /** The link for the first account, while there is none. */
  readonly firstLink: () => Promise<{ readonly link: string; readonly until: number } | undefined>
}

export interface User {
  readonly id: string
  readonly name: string
  readonly addedAt: number
  readonly isDisabled: boolean
  readonly hasPassword: boolean
  readonly passkeys: number
  /** Through whom they sign in. */
  readonly provider?: string
}

export interface UserLink {
  readonly user: User
  readonly link: string
  readonly until: number
}

export interface UserRooms {
  readonly world: World
  readonly ledger: Pick<Ledger, 'note'>
  readonly records: Records
  /** Under which name people reach us, now or when we next run. */
  readonly origin: () => string
  /** The issuer of the embedded authorization server at that origin, where there is one. */
  readonly issuerAt: ((origin: string) => string) | undefined
  /** Somebody may not come in any more: what they were given ends too. */
  readonly onGone: (principal: string) => Promise<void>
}

export function makeUsers(rooms: UserRooms): Users {
  const { world, records, ledger, origin, issuerAt, onGone } = rooms
  const accounts = makeAccounts(world, records)
  const enrolments = makeEnrolments(world, records)
  const linkFor = async (account: Account): Promise<UserLink> => {
    const { token, until } = await enrolments.make(account.id)
    return { user: userOf(account), link: `${origin()}${ENROL_PATH}${token}`, until }
  }
  const found = async (nameOrId: string): Promise<Account> => {
    checkEmbedded(issuerAt)
    const account = await accounts.find(nameOrId)
    if (account) return account
    throw new Fault('user/unknown', `There is no account "${nameOrId}".`)
  }
  const gone = async ({ id }: Account): Promise<void> => {
    await accounts.endSessions(id)
    const principal = issuerAt && principalId(issuerAt(origin()), id)
    if (principal !== undefined) await onGone(principal)
  }
  return {
    list: () => listOf(accounts),
    add: async (written) => {
      checkEmbedded(issuerAt)
      const name = loginName(written)
      if (name === undefined) throw new Fault('rpc/bad-params', `A name has ${NAME_RULE}.`)
      const account = await accounts.add(name)
      if (!account) throw new Fault('user/taken', `There is an account "${name}" already.`)
      await ledger.note('user.added', { account: account.id, by: 'admin' })
      return linkFor(account)
    },
    link: async (nameOrId) => {
      const account = await found(nameOrId)
      checkLinkable(account)
      await ledger.note('user.linked', { account: account.id })
      return linkFor(account)
    },
    disable: async (nameOrId, isDisabled) => {
      const { id } = await found(nameOrId)
      const changed = await accounts.change(id, (now) => ({ ...now, isDisabled }))
      if (!changed) throw new Fault('user/unknown', `There is no account "${nameOrId}".`)
      await ledger.note(isDisabled ? 'user.disabled' : 'user.enabled', { account: id })
      if (isDisabled) await gone(changed)
      return userOf(changed)
    },
    remove: async (nameOrId) => {
      const account = await found(nameOrId)
      await accounts.remove(account.id)
      await ledger.note('user.removed', { account: account.id })
      await gone(account)
      return userOf(account)
    },
    firstLink: async () => {
      if (!issuerAt || !(await accounts.isEmpty())) return undefined
      const { token, until } = await enrolments.make(undefined)
      return { link: `${origin()}${ENROL_PATH}${token}`, until }
    },
  }
}

function checkLinkable({ name, provider, isDisabled }: Account): void {
  if (provider) throw new Fault('rpc/bad-params', `${name} signs in at ${provider.issuer}.`)
  if (!isDisabled) return
  throw new Fault('rpc/bad-params', `${name} is disabled: "users enable ${name}" comes first.`)
}

async function listOf(accounts: Accounts): Promise<readonly User[]> {
  const users: User[] = []
  for await (const account of accounts.all()) users.push(userOf(account))
  return users.toSorted((a, b) => a.name.localeCompare(b.name))
}

function checkEmbedded(issuerAt: UserRooms['issuerAt']): void {
  if (issuerAt) return
  throw new Fault(
    'config/invalid',
    'Accounts belong to the embedded authorization server: configure `auth.embedded`.',
  )
}

const userOf = ({
  id,
  name,
  addedAt,
  isDisabled,
  password,
  passkeys,
  provider,
}: Account): User => ({
  id,
  name,
  addedAt,
  isDisabled,
  hasPassword: password !== undefined,
  passkeys: passkeys.length,
  ...(provider === undefined ? {} : { provider: provider.issuer }),
})
