import { Fault, type Admin } from '@countersign/contract'
import { checkPrincipal } from './check-principal.ts'
import type { AdminRooms } from './make-admin.ts'

type Revoke = Admin['revoke']

/** Ends what was given until now: of one token, or of everything a principal or a client has. */
export async function revoke(
  { revocations, ledger, endRevoked }: Pick<AdminRooms, 'revocations' | 'ledger' | 'endRevoked'>,
  { user, client, token }: Parameters<Revoke>[0],
): ReturnType<Revoke> {
  const named = [
    ...(user === undefined ? [] : [{ kind: 'user', id: user } as const]),
    ...(client === undefined ? [] : [{ kind: 'client', id: client } as const]),
    ...(token === undefined ? [] : [{ kind: 'token', id: token } as const]),
  ]
  const [what] = named
  if (what === undefined || named.length > 1) {
    throw new Fault('rpc/bad-params', 'Name exactly one: a user, a client or a token.')
  }
  if (what.kind === 'user') checkPrincipal(what.id)
  await revocations.revoke(what)
  await ledger.note('revoked', { ...what })
  await endRevoked()
  return what
}
