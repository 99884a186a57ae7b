import { isObject, own, type JsonObject } from '@countersign/contract'
import type { Saved } from '#store'

/** Somebody who may sign in here. */
export interface Account {
  /** A UUID: `sub` of their tokens, for ever. */
  readonly id: string
  /** What they sign in with, as it was written; upper and lower case are the same. */
  readonly name: string
  readonly addedAt: number
  readonly isDisabled: boolean
  /** The hash, with its parameters. */
  readonly password: string | undefined
  readonly passkeys: readonly Passkey[]
  /** Who says who they are, instead of us. */
  readonly provider: Link | undefined
}

export interface Link {
  readonly issuer: string
  readonly subject: string
}

export interface Passkey {
  readonly id: string
  /** COSE, in base64url. */
  readonly publicKey: string
  readonly counter: number
  readonly transports: readonly string[]
  readonly addedAt: number
}

export const accountIn = ({ id, value }: Saved): Account => ({
  id,
  name: textIn(value, 'name') ?? '',
  addedAt: numberIn(value, 'addedAt'),
  isDisabled: own(value, 'isDisabled') === true,
  password: textIn(value, 'password'),
  passkeys: listIn(value, 'passkeys').map(passkeyIn),
  provider: linkIn(own(value, 'provider')),
})

export const valueOf = (account: Account): JsonObject => ({
  name: account.name,
  addedAt: account.addedAt,
  isDisabled: account.isDisabled,
  ...(account.password === undefined ? {} : { password: account.password }),
  passkeys: account.passkeys.map((one) => ({ ...one, transports: [...one.transports] })),
  ...(account.provider === undefined ? {} : { provider: { ...account.provider } }),
})

const passkeyIn = (value: JsonObject): Passkey => ({
  id: textIn(value, 'id') ?? '',
  publicKey: textIn(value, 'publicKey') ?? '',
  counter: numberIn(value, 'counter'),
  transports: textsIn(value, 'transports'),
  addedAt: numberIn(value, 'addedAt'),
})

const linkIn = (value: unknown): Link | undefined =>
  isObject(value)
    ? { issuer: textIn(value, 'issuer') ?? '', subject: textIn(value, 'subject') ?? '' }
    : undefined

export function textIn(value: JsonObject, key: string): string | undefined {
  const found = own(value, key)
  return typeof found === 'string' ? found : undefined
}

export const numberIn = (value: JsonObject, key: string): number => Number(own(value, key) ?? 0)

const arrayIn = (value: JsonObject, key: string): readonly unknown[] => {
  const found = own(value, key)
  return Array.isArray(found) ? found : []
}

const listIn = (value: JsonObject, key: string): readonly JsonObject[] =>
  arrayIn(value, key).filter((one) => isObject(one))

const textsIn = (value: JsonObject, key: string): readonly string[] =>
  arrayIn(value, key).filter((one) => typeof one === 'string')

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u

/** A name that somebody can sign in with; undefined for what cannot be one. */
export function loginName(written: string): string | undefined {
  const name = written.trim().normalize('NFKC')
  return NAME.test(name) ? name : undefined
}

export const NAME_RULE = 'letters and digits, then also . _ @ + -, at most 64 in all'

export const aliasOf = (name: string): string => name.trim().normalize('NFKC').toLowerCase()
