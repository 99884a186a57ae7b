import type { Admin } from '@countersign/contract'
import { table } from '../io.ts'

export type Connection = Awaited<ReturnType<Admin['listConnections']>>[number]

export const PRINCIPAL_OPTION = { principal: { type: 'string', short: 'p' } } as const

export const rows = (connections: readonly Connection[]): string =>
  table([
    ['SERVER', 'FOR', 'STATE', 'UNTIL', 'SCOPES', 'ISSUER'],
    ...connections.map((one) => [
      one.server,
      one.principal ?? '(the house)',
      one.status === 'connected' ? 'connected' : 'to be reconnected',
      untilOf(one),
      one.scopes.join(' '),
      one.issuer,
    ]),
  ])

/** What renews itself has no end that anybody needs to know. */
function untilOf({ hasRefresh, expiresAt }: Connection): string {
  if (hasRefresh) return 'renewed'
  return expiresAt === undefined ? '' : new Date(expiresAt).toISOString().slice(0, 16)
}
