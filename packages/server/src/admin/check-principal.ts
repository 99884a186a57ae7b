import { Fault } from '@countersign/contract'
import { LOCAL } from '#auth'

/** A name that somebody signs in with is no principal: what is done to it would do nothing. */
export function checkPrincipal(id: string): void {
  if (id === LOCAL.id || id.includes('#')) return
  throw new Fault(
    'rpc/bad-params',
    `"${id}" is no principal, and nothing was done: name issuer#subject, as in the ledger.`,
  )
}
