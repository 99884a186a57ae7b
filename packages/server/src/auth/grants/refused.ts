/** The errors of a token endpoint that these grants may answer with (RFC 6749 §5.2, 8707 §2, 9449 §5). */
export type RefusalCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_dpop_proof'
  | 'unauthorized_client'
  | 'temporarily_unavailable'

/**
 * Why no token is given. The message is for whoever asked and repeats nothing of what was shown
 * (AS36, WI9): no assertion, no claim of it.
 */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export const badGrant = (why: string, cause?: unknown): Refused =>
  new Refused('invalid_grant', why, cause === undefined ? undefined : { cause })
