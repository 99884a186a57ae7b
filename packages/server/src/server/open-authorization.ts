import {
  isOauthPath,
  type AuthorizationRooms,
  type AuthorizationServer,
  type EmbeddedSettings,
  type Guard,
} from '#auth'
import { Fault } from '@countersign/contract'
import type { Mount } from '#http'
import { protectedResources, type ToolRules, type Views } from '#registry'

/** What people see of the authorization server: made once it is known under which name we are reached. */
export type OpenPeople = (
  origin: string,
  rooms: Pick<AuthorizationRooms, 'world' | 'log' | 'ledger' | 'records' | 'seal' | 'protected'>,
) => Promise<Pick<AuthorizationRooms, 'people' | 'interactions' | 'pages' | 'problemPage'>>

export interface AuthorizationPlan {
  readonly settings: EmbeddedSettings
  readonly dpopNonces: boolean
  readonly skewMs: number
  readonly rooms: Pick<
    AuthorizationRooms,
    'world' | 'log' | 'ledger' | 'records' | 'seal' | 'revocations'
  >
  readonly guard: Guard
  readonly views: Views
  readonly rules: ToolRules
  readonly epoch: () => number
  /** Lists these servers, unless they were. */
  readonly list: (servers: readonly string[]) => Promise<void>
  readonly openPeople: OpenPeople
}

/** The embedded authorization server of a house, which opens once the house listens. */
export interface Authorization {
  readonly mount: Mount
  /** Under this origin from now on; a further listener changes nothing about that. */
  readonly open: (origin: string) => Promise<AuthorizationServer>
  /** The server, once it is open. */
  readonly server: () => AuthorizationServer | undefined
  readonly close: () => Promise<void>
}

export function planAuthorization(plan: AuthorizationPlan): Authorization {
  let opening: Promise<AuthorizationServer> | undefined
  let opened: AuthorizationServer | undefined
  const open = async (origin: string): Promise<AuthorizationServer> => {
    const server = await openAt(origin, plan)
    // Its tokens are taken like those of any other issuer, with keys that are at hand.
    plan.guard.admit(server.settings, server.publicKeys)
    opened = server
    return server
  }
  return {
    mount: {
      owns: isOauthPath,
      answer: async (request, response) => {
        if (!opening) throw new Fault('http/closing', 'Not open yet. Try again soon.')
        await (await opening).answer(request, response)
      },
    },
    open: (origin) => (opening ??= open(origin)),
    server: () => opened,
    close: async () => {
      await opened?.close()
    },
  }
}

async function openAt(origin: string, plan: AuthorizationPlan): Promise<AuthorizationServer> {
  const { settings, dpopNonces, rooms, views, rules, epoch, list } = plan
  const urlOf = (view: string): string => `${origin}/mcp${view === '' ? '' : `/${view}`}`
  const { grantsExtension, openAuthorizationServer } = await import('#auth/embedded')
  const resources = protectedResources({ views, rules, epoch, list }, urlOf)
  const people = await plan.openPeople(origin, { ...rooms, protected: resources })
  const extension = grantsExtension(
    { ...rooms, protected: resources, revocations: plan.guard.revocations },
    { ...settings, skewMs: plan.skewMs },
  )
  const all = { ...rooms, ...people, protected: resources, ...(extension ? { extension } : {}) }
  return openAuthorizationServer(all, settings, { origin, dpopNonces })
}
