import { z } from 'zod'
import type { SignInProvider } from '#auth'
import { Secret } from '#base'
import { expand, type Variable } from './expand.ts'
import { checkUrl, isLocalUrl } from './issuer-url.ts'
import type { Complain, Path } from './mistake.ts'

const ISSUER_CHARS_MAX = 200
const NAME_CHARS_MAX = 256
const SHOWN_CHARS_MAX = 40
const SECRET_CHARS_MAX = 4_096
const SCOPES_MAX = 20
const DOMAINS_MAX = 100

/** RFC 6749 §3.3 */
const SCOPE = /^[\u0021\u0023-\u005B\u005D-\u007E]{1,100}$/
const DOMAIN = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i

export const signInSchema = z
  .strictObject({
    issuer: z
      .string()
      .min(1)
      .max(ISSUER_CHARS_MAX)
      .describe('The OpenID provider, exactly as its metadata names it.'),
    name: z
      .string()
      .min(1)
      .max(SHOWN_CHARS_MAX)
      .default('single sign-on')
      .describe('What it is called on the button: "Continue with …".'),
    clientId: z.string().min(1).max(NAME_CHARS_MAX).describe('How we are known to it.'),
    clientSecret: z
      .string()
      .min(1)
      .max(SECRET_CHARS_MAX)
      .optional()
      .describe('Our secret with it, as `${NAME}`: it does not belong into a file.'),
    scopes: z
      .array(z.string().regex(SCOPE))
      .max(SCOPES_MAX)
      .default(['openid', 'email', 'profile'])
      .describe('What we ask it for; `openid` always is.'),
    domains: z
      .array(z.string().regex(DOMAIN))
      .max(DOMAINS_MAX)
      .default([])
      .describe(
        'Who may come in: those with an e-mail address there that it has verified. Default: everybody it knows, so name them where it knows more than your organisation.',
      ),
    network: z
      .enum(['public', 'private'])
      .default('public')
      .describe('Where its addresses may be. `private` also allows inside addresses.'),
  })
  .describe(
    'An OpenID provider through which people sign in: beside accounts of `embedded`, or, where others issue the tokens, so that we know who asks for a page. Its redirect URI is {our origin}/oauth/sign-in/callback.',
  )

type Written = z.output<typeof signInSchema>

/** What the section means; complains about what cannot be meant. */
export function signInOf(
  { issuer, clientSecret, network, ...rest }: Written,
  variable: Variable,
  complain: Complain,
): SignInProvider | undefined {
  const at: Path = ['auth', 'signIn']
  const isLocal = isLocalUrl(issuer)
  checkUrl(issuer, 'issuer', isLocal, { at, complain })
  const secret = clientSecret === undefined ? undefined : expand(clientSecret, variable)
  if (secret && !secret.ok) {
    complain([...at, 'clientSecret'], secret.problem, secret.remedy)
    return undefined
  }
  return {
    ...rest,
    issuer,
    clientSecret: secret && new Secret(secret.text),
    reach: isLocal ? 'loopback' : network,
  }
}
