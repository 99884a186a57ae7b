import type { EntryBody } from '@countersign/contract/ledger/entries'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { FoldedNotes } from '#audit'
import type { Log } from '#telemetry'
import type { AuthorizationRooms } from './rooms.ts'

const CHARS_MAX = 512

interface NoteRooms {
  readonly log: Log
  readonly notes: FoldedNotes
  readonly revocations: AuthorizationRooms['revocations']
}

/** RS17, AS39: each token that was given or refused leaves a line, and no token in it. */
export function noteTokens(provider: Provider, { log, notes, revocations }: NoteRooms): void {
  const failed = (where: string) => (ctx: KoaContextWithOIDC, thrown: unknown) => {
    log.error({ where, cause: String(thrown) }, 'the authorization server failed')
    void ctx
  }
  provider.on('grant.success', (ctx: KoaContextWithOIDC) => {
    if (isNoted(ctx)) return
    notes.note('token.issued', tokenFacts(ctx))
  })
  const refused = (ctx: KoaContextWithOIDC, thrown: Error): void => {
    if (isNoted(ctx)) return
    notes.note('token.refused', { ...askFacts(ctx), ...errorFacts(thrown) })
  }
  provider.on('grant.error', refused)
  provider.on('authorization.error', refused)
  provider.on('pushed_authorization_request.error', refused)
  provider.on('grant.revoked', (_ctx: KoaContextWithOIDC, grantId: string) => {
    void revocations?.revoke({ kind: 'grant', id: grantId })
  })
  provider.on('server_error', failed('server'))
}

/** Some grants write down themselves what they decide, and on what grounds. */
const isNoted = (ctx: KoaContextWithOIDC): boolean => ctx.state['isNoted'] === true

type Facts = Extract<EntryBody<'token.issued'>, { readonly scopes?: unknown }>

function askFacts({ oidc }: KoaContextWithOIDC): Pick<Facts, 'at' | 'client' | 'grant'> {
  const { client, params, route } = oidc
  const type = params?.['grant_type']
  return {
    at: route,
    ...(client ? { client: client.clientId.slice(0, CHARS_MAX) } : {}),
    ...(typeof type === 'string' ? { grant: type.slice(0, CHARS_MAX) } : {}),
  }
}

function tokenFacts(ctx: KoaContextWithOIDC): Facts {
  const { AccessToken: forPerson, ClientCredentials: forProgram } = ctx.oidc.entities
  const token = forPerson ?? forProgram
  if (!token) return askFacts(ctx)
  return {
    ...askFacts(ctx),
    token: token.jti,
    subject: forPerson?.accountId ?? token.clientId ?? '',
    resource: String(token.aud),
    scopes: (token.scope ?? '').split(' ').filter((scope) => scope !== ''),
    isBound: token.isSenderConstrained(),
  }
}

/** The words of the provider, never what was sent. */
function errorFacts(thrown: Error): { readonly error: string; readonly why: string } {
  const detail = 'error_detail' in thrown ? thrown.error_detail : undefined
  const told = 'error_description' in thrown ? thrown.error_description : undefined
  const why = typeof detail === 'string' ? detail : typeof told === 'string' ? told : ''
  return { error: thrown.message.slice(0, CHARS_MAX), why: why.slice(0, CHARS_MAX) }
}
