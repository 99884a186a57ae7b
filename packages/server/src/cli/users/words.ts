import type { Admin } from '@countersign/contract'
import { table } from '../io.ts'

export type User = Awaited<ReturnType<Admin['listUsers']>>[number]

export const rows = (users: readonly User[]): string =>
  table([
    ['NAME', 'SIGNS IN WITH', 'STATE', 'SINCE', 'ID'],
    ...users.map((user) => [
      user.name,
      meansOf(user),
      user.isDisabled ? 'disabled' : 'enabled',
      new Date(user.addedAt).toISOString().slice(0, 10),
      user.id,
    ]),
  ])

function meansOf({ provider, hasPassword, passkeys }: User): string {
  if (provider !== undefined) return provider
  const means = [
    ...(hasPassword ? ['password'] : []),
    ...(passkeys === 0 ? [] : [passkeys === 1 ? 'passkey' : `${String(passkeys)} passkeys`]),
  ]
  return means.length === 0 ? 'nothing yet' : means.join(', ')
}
