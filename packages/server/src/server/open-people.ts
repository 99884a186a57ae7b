import {
  html,
  isOauthPath,
  localSignIns,
  makePages,
  makeSafeFetch,
  makeUsers,
  openPeople,
  type AuthorizationRooms,
  type OpenPeople as People,
  type PageDesk,
  type Revocations,
  type SignIns,
  type Users,
} from '#auth'
import type { Config } from '#config'
import type { Mount } from '#http'
import type { Identities } from '#vault'
import type { OpenPeople } from './open-authorization.ts'

export interface PeoplePlan {
  readonly config: Config
  readonly rooms: Pick<AuthorizationRooms, 'world' | 'log' | 'ledger' | 'records' | 'seal'>
  readonly revocations: Revocations
  /** Under which name people reach us at a port. */
  readonly originAt: (port: number) => string
  /** Keeps what a provider signed about a principal, for servers behind us that trust it too. */
  readonly keepIdentity: Identities['keep'] | undefined
}

/** People of a house: who signs in, on which pages, and what is done about their accounts. */
export interface HousePeople {
  /** For the embedded authorization server. */
  readonly open: OpenPeople
  /** Where others issue the tokens, and people sign in through a provider. */
  readonly mounts: readonly Mount[]
  /** Under this origin from now on. */
  readonly openAt: (origin: string) => void
  readonly users: Users
  /** For other pages of the house, once it listens. */
  readonly signIns: () => SignIns
  readonly pages: () => PageDesk
  readonly close: () => Promise<void>
}

const NOTHING: AuthorizationRooms['protected'] = { at: () => undefined, all: () => [] }

const issuerAt = (origin: string): string => `${origin}/oauth`

export function planPeople(plan: PeoplePlan): HousePeople {
  const { config, rooms, revocations } = plan
  const { world, seal } = rooms
  const embedded = config.auth?.embedded
  const provider = config.auth?.signIn
  const safeFetch = makeSafeFetch(world)
  let origin = plan.originAt(config.listen.port)
  let people: People | undefined
  const onStatement: Parameters<typeof openPeople>[0]['onStatement'] = async (principal, said) => {
    await plan.keepIdentity?.(principal, said.idToken, said.until)
  }
  const openAs = (at: string, protectedOnes: AuthorizationRooms['protected']): People => {
    origin = at
    const pages = makePages(world, seal, at)
    const settings = { issuer: embedded && issuerAt(at), provider }
    return openPeople({ ...rooms, safeFetch, pages, protectedOnes, onStatement }, settings)
  }
  return {
    open: async (at, { protected: protectedOnes }) => (people ??= openAs(at, protectedOnes)),
    mounts: embedded || !provider ? [] : [mountOf(() => people)],
    openAt: (at) => {
      origin = at
      if (!embedded && provider) people ??= openAs(at, NOTHING)
    },
    users: makeUsers({
      ...rooms,
      origin: () => origin,
      issuerAt: embedded && issuerAt,
      onGone: (principal) => revocations.revoke({ kind: 'user', id: principal }),
    }),
    signIns: () => people?.people ?? (config.auth ? nobodyCan(plan, origin) : localSignIns(world)),
    pages: () => makePages(world, seal, origin),
    close: () => safeFetch.close(),
  }
}

const mountOf = (people: () => People | undefined): Mount => ({
  owns: isOauthPath,
  answer: async (request, response) => {
    if (await people()?.pages(request, response)) return
    response.writeHead(404, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
    response.end('Nothing is served here.\n')
  },
})

/** Tokens come from elsewhere, and nothing says how a person would. */
const nobodyCan = ({ rooms: { world, seal } }: PeoplePlan, origin: string): SignIns => ({
  personOf: async () => undefined,
  send: (response) => {
    makePages(world, seal, origin).send(response, 403, {
      title: 'Nobody can sign in here',
      body: html`<h1>Nobody can sign in here</h1>
        <p>
          This page needs to know who you are, and no way to find out is configured. Whoever runs
          this Countersign can add one: <strong>auth.signIn</strong>, or
          <strong>auth.embedded</strong>.
        </p>`,
    })
  },
})
