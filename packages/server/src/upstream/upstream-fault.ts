import { Fault, type FaultCode } from '@countersign/contract'

type UpstreamCode = Extract<FaultCode, `upstream/${string}`>

/**
 * A failure of one server, in words for the caller: which server, what happened, what to do.
 * `what` never holds a header, an environment value or more of a URL than its origin.
 */
export const upstreamFault = (
  code: UpstreamCode,
  server: string,
  what: string,
  cause?: unknown,
): Fault => new Fault(code, `Server ${server} ${what}`, cause === undefined ? {} : { cause })

export const cancelledFault = (): Fault =>
  new Fault('call/cancelled', 'The call was cancelled by its client before it was sent.')

/** The server had it already, so it may have done it all the same. */
export const abandonedFault = (): Fault =>
  new Fault('call/abandoned', 'The call was cancelled by its client after it was sent.')

/** What a refusal by HTTP status means to the operator. */
export function describeStatus(status: number): string {
  if (status >= 300 && status < 400) {
    return `answered with a redirect (HTTP ${status}), which is not followed; configure its final URL.`
  }
  if (status === 401 || status === 403) {
    return `refused our credentials (HTTP ${status}); check the headers configured for it.`
  }
  if (status === 404 || status === 405) {
    return `does not serve MCP at the configured URL (HTTP ${status}).`
  }
  if (status === 429) return 'limits how often it may be called (HTTP 429); try again later.'
  return `answered with HTTP ${status}.`
}
