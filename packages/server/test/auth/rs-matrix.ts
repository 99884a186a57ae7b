// What the matrix of the resource server is written in: what is shown, and what is answered to it.

import { createHash } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import { modern, type Ask } from '../stories/raw.ts'
import type { FakeIssuer, SigningKey } from './fake-issuer.ts'
import type { GuardedHouse, proofMaker } from './guarded-house.ts'

type Loose = Readonly<Record<string, unknown>>

/** What goes into a request; each row names what it changes. */
export interface Shown {
  readonly view: string
  readonly method: string
  readonly query: string
  readonly claims: Loose
  readonly header: Loose
  readonly by: FakeIssuer
  readonly key: SigningKey | undefined
  /** The whole credential, where it is not a token of the issuer. */
  readonly authorization:
    | ((token: string) => OutgoingHttpHeaders['authorization'] | string[])
    | undefined
  readonly proof: ((token: string) => Promise<string | readonly string[] | undefined>) | undefined
  readonly body: Ask
}

/** What is answered: the error that the first challenge names, and words that it has to say. */
export interface Expected {
  readonly status: number
  readonly error?: string
  readonly says?: RegExp
  readonly scope?: readonly string[]
  readonly scheme?: 'Bearer' | 'DPoP'
}

export type Row = readonly [
  name: string,
  ids: string,
  change: () => Partial<Shown> | Promise<Partial<Shown>>,
  expected: Expected,
]

export const OK: Expected = { status: 200 }
export const NO_TOKEN: Expected = { status: 401, scheme: 'Bearer', scope: ['mcp:discover'] }
export const bad = (says: RegExp): Expected => ({
  status: 401,
  scheme: 'Bearer',
  error: 'invalid_token',
  says,
})
export const malformed: Expected = { status: 400, scheme: 'Bearer', error: 'invalid_request' }
export const unproven = (says: RegExp): Expected => ({
  status: 401,
  scheme: 'DPoP',
  error: 'invalid_dpop_proof',
  says,
})
export const short = (...scope: readonly string[]): Expected => ({
  status: 403,
  scheme: 'Bearer',
  error: 'insufficient_scope',
  scope,
})

/** Who is there; rows are read when they are tested, and find it filled. */
export interface Bench {
  readonly issuer: FakeIssuer
  readonly stranger: FakeIssuer
  readonly bindsOnly: FakeIssuer
  readonly house: GuardedHouse
  readonly key: SigningKey
  readonly jkt: string
  readonly maker: ReturnType<typeof proofMaker>
}
export const bench = {} as Bench

export const call = (name: string): Ask => modern('tools/call', { params: { name, arguments: {} } })
export const ath = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** Shows a token bound to the key, with a proof that has these claims and headers instead. */
export const bound =
  (claims: Loose = {}, header: Loose = {}, by = () => bench.maker) =>
  (): Partial<Shown> => ({
    claims: { cnf: { jkt: bench.jkt } },
    authorization: (token) => `DPoP ${token}`,
    proof: (token) => by().prove({ token, claims, header }),
  })
export const boundTo = (change: Partial<Shown>) => (): Partial<Shown> => ({
  ...bound()(),
  ...change,
})
