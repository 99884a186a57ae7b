/** What came back with the browser, as far as it may be acted on. */
export type Answered =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'mixed-up' }

const CODE = /^[a-z_]{1,60}$/

/**
 * Whether the answer is from the issuer that was asked (RFC 9207 §2.4), by the four rows: said and
 * there, or not said and there: equal, character by character; said and missing: not from it; not
 * said and missing: nothing to compare. Before that nothing of it is looked at (OC11, OC26).
 */
export function judgeAnswer(query: URLSearchParams, issuer: string, saysIssuer: boolean): Answered {
  const said = query.getAll('iss')
  if (said.length > 1 || (said.length === 0 ? saysIssuer : said[0] !== issuer)) {
    return { kind: 'mixed-up' }
  }
  const [code] = query.getAll('code')
  if (code !== undefined && code !== '' && !query.has('error')) return { kind: 'code', code }
  const error = query.get('error') ?? ''
  return { kind: 'refused', error: CODE.test(error) ? error : 'invalid_response' }
}
