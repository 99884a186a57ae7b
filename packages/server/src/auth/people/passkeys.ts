import { createHash } from 'node:crypto'
import { isObject, own, textAt } from '@countersign/contract'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Seal, World } from '#base'
import type { Records } from '#store'
import type { Account, Passkey } from './account.ts'
import type { Accounts } from './accounts.ts'

/** Passkeys: keys that a browser or device holds for one person and this host (WebAuthn). */
export interface Passkeys {
  /** What a page hands to the browser, and the sealed text that comes back with its answer. */
  readonly offerToSignIn: () => Promise<Offer>
  readonly offerToAdd: (account: Pick<Account, 'id' | 'name' | 'passkeys'>) => Promise<Offer>
  /** Whose it is, when the answer is right. */
  readonly signIn: (answer: string, sealed: string) => Promise<Account | undefined>
  /** The new key, when the answer is right. */
  readonly added: (account: string, answer: string, sealed: string) => Promise<Passkey | undefined>
}

interface Offer {
  /** JSON for the script of the page. */
  readonly options: string
  readonly sealed: string
}

const RP_NAME = 'Countersign'
const VALID_MS = 10 * 60_000
/** COSE: EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257]
const CHALLENGE_BYTES = 32
const SIGN_IN = 'passkey sign-in'
const ADD = 'passkey of '
const SPENT = 'SpentChallenge'

interface Rooms {
  readonly world: World
  readonly seal: Seal
  readonly records: Records
  readonly accounts: Accounts
}

/** Undefined where browsers know none: a passkey belongs to a name, never to a bare address. */
export function makePasskeys(rooms: Rooms, origin: string): Passkeys | undefined {
  const { hostname: rpID, protocol } = new URL(origin)
  const isName = /[a-z]/i.test(rpID) && !rpID.startsWith('[')
  if (!isName || (protocol !== 'https:' && rpID !== 'localhost')) return undefined
  const challenges = makeChallenges(rooms)
  const ours = { expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: true }
  return {
    offerToSignIn: async () => {
      const { generateAuthenticationOptions } = await webauthn()
      const { challenge, sealed } = challenges.make(SIGN_IN)
      const options = { rpID, challenge: bytesOf(challenge), userVerification: 'required' } as const
      return { sealed, options: JSON.stringify(await generateAuthenticationOptions(options)) }
    },
    offerToAdd: async ({ id, name, passkeys }) => {
      const { generateRegistrationOptions } = await webauthn()
      const { challenge, sealed } = challenges.make(ADD + id)
      const options = await generateRegistrationOptions({
        rpID,
        rpName: RP_NAME,
        userName: name,
        userID: Uint8Array.from(Buffer.from(id)),
        challenge: bytesOf(challenge),
        excludeCredentials: passkeys.map((one) => ({ id: one.id })),
        supportedAlgorithmIDs: ALGORITHMS,
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      return { sealed, options: JSON.stringify(options) }
    },
    signIn: async (answer, sealed) => {
      const response = answerIn(answer)
      const challenge = await challenges.spend(SIGN_IN, sealed)
      if (!response || challenge === undefined) return undefined
      const found = await ownerOf(rooms.accounts, response)
      if (!found) return undefined
      const { account, passkey } = found
      const counter = await proved(response, passkey, { expectedChallenge: challenge, ...ours })
      if (counter === undefined) return undefined
      return rooms.accounts.change(account.id, (now) => counted(now, passkey.id, counter))
    },
    added: async (account, answer, sealed) => {
      const response = answerIn(answer)
      const challenge = await challenges.spend(ADD + account, sealed)
      if (!response || challenge === undefined) return undefined
      const credential = await registered(response, { expectedChallenge: challenge, ...ours })
      return credential && { ...credential, addedAt: rooms.world.now() }
    },
  }
}

interface Expected {
  readonly expectedChallenge: string
  readonly expectedOrigin: string
  readonly expectedRPID: string
  readonly requireUserVerification: boolean
}

/** How often the key was used by now, when the answer is right. */
async function proved(
  response: AuthenticationResponseJSON,
  { id, publicKey, counter }: Passkey,
  expected: Expected,
): Promise<number | undefined> {
  const { verifyAuthenticationResponse } = await webauthn()
  const credential = { id, publicKey: bytesOf(publicKey), counter }
  const verdict = await unlessWrong(
    verifyAuthenticationResponse({ response, credential, ...expected }),
  )
  return verdict?.verified === true ? verdict.authenticationInfo.newCounter : undefined
}

async function registered(
  response: RegistrationResponseJSON,
  expected: Expected,
): Promise<Omit<Passkey, 'addedAt'> | undefined> {
  const { verifyRegistrationResponse } = await webauthn()
  const verdict = await unlessWrong(
    verifyRegistrationResponse({ response, supportedAlgorithmIDs: ALGORITHMS, ...expected }),
  )
  if (verdict?.verified !== true) return undefined
  const { id, publicKey, counter, transports = [] } = verdict.registrationInfo.credential
  return {
    id,
    publicKey: Buffer.from(publicKey).toString('base64url'),
    counter,
    transports: transports.map(String),
  }
}

/** Only those who sign in wait for it, and only the first of them. */
const webauthn = () => import('@simplewebauthn/server')

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(text, 'base64url'))

interface Challenges {
  readonly make: (purpose: string) => { readonly challenge: string; readonly sealed: string }
  /** The challenge, for the first who shows it in time. */
  readonly spend: (purpose: string, sealed: string) => Promise<string | undefined>
}

/** Nothing is kept of a page that was only looked at: a challenge is written down when it is used. */
function makeChallenges({ world, seal, records }: Rooms): Challenges {
  return {
    make: (purpose) => {
      const challenge = world.random(CHALLENGE_BYTES).toString('base64url')
      const sealed = seal.seal(purpose, JSON.stringify({ challenge, at: world.now() }))
      return { challenge, sealed }
    },
    spend: async (purpose, sealed) => {
      const opened = seal.open(purpose, sealed)
      const content: unknown = opened === undefined ? undefined : JSON.parse(opened)
      if (!isObject(content)) return undefined
      const challenge = textAt(content, 'challenge')
      const until = Number(own(content, 'at')) + VALID_MS
      if (world.now() > until) return undefined
      const id = createHash('sha256').update(challenge).digest('base64url')
      return (await records.add(SPENT, id, {}, { until })) ? challenge : undefined
    },
  }
}

/** A text from a browser; what it says is for the library to doubt. */
function answerIn(
  text: string,
): (AuthenticationResponseJSON & RegistrationResponseJSON) | undefined {
  try {
    const answer = JSON.parse(text)
    return isObject(answer) && isObject(own(answer, 'response')) ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

/** The key names its account itself, so nobody has to type a name. */
async function ownerOf(
  accounts: Accounts,
  { id, response }: AuthenticationResponseJSON,
): Promise<{ readonly account: Account; readonly passkey: Passkey } | undefined> {
  const { userHandle } = response
  if (typeof userHandle !== 'string') return undefined
  const account = await accounts.get(Buffer.from(userHandle, 'base64url').toString('utf8'))
  const passkey = account?.passkeys.find((one) => one.id === id)
  return account && passkey ? { account, passkey } : undefined
}

const counted = (account: Account, id: string, counter: number): Account => ({
  ...account,
  passkeys: account.passkeys.map((one) => (one.id === id ? { ...one, counter } : one)),
})

/** The library throws for whatever is not right; for whoever asks all of it is the same. */
async function unlessWrong<Verdict>(verifying: Promise<Verdict>): Promise<Verdict | undefined> {
  try {
    return await verifying
  } catch {
    return undefined
  }
}
