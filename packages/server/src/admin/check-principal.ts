import { Fault } from '@countersign/contract'
import { LOCAL } from '#auth'

/** A name that somebody signs in with is no principal: what is done to it would do nothing. */
export function checkPrincipal(id: string): void {
  if (id === LOCAL.id || isPrincipal(id)) return
  throw new Fault(
    'rpc/bad-params',
    `"${id}" is no principal, and nothing was done: name issuer#subject, as it stands in the ledger (bob%40example.com).`,
  )
}

/** Calls have a subject percent-encoded: written in another way it is nobody's. */
function isPrincipal(id: string): boolean {
  const at = id.indexOf('#')
  if (at < 0 || !id.isWellFormed()) return false
  try {
    const subject = id.slice(at + 1)
    return encodeURIComponent(decodeURIComponent(subject)) === subject
  } catch {
    return false
  }
}
