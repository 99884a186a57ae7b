import { z } from 'zod'

/** Clients of the embedded authorization server, as an administrator sees them. */
const CLIENT_ID = z.string().min(1).max(512)
const LIST_MAX = 500
const URL_CHARS_MAX = 2_048
const scope = z
  .string()
  .regex(/^[\u0021\u0023-\u005B\u005D-\u007E]+$/)
  .max(300)

const member = z.string().min(1).max(2_048)
/** A public JWK: what is private in it, or means nothing here, is left out. */
const PublicKey = z.object({
  kty: z.enum(['EC', 'OKP', 'RSA']),
  kid: member.optional(),
  alg: member.optional(),
  use: z.literal('sig').optional(),
  crv: member.optional(),
  x: member.optional(),
  y: member.optional(),
  n: member.optional(),
  e: member.optional(),
})

export const CLIENT_METHODS = ['none', 'client_secret_basic', 'private_key_jwt'] as const

/** One client. `views` and `scopes`: what it may have by itself, without a person. */
export const OauthClient = z.object({
  id: z.string(),
  name: z.string(),
  method: z.string(),
  redirectUris: z.array(z.string()),
  views: z.array(z.string()),
  scopes: z.array(z.string()),
  by: z.enum(['admin', 'registration']),
})

/** The secret is told once: it is sealed from then on. */
export const AddedClient = z.object({ client: OauthClient, secret: z.string().optional() })

export const NewClient = z.strictObject({
  name: z.string().min(1).max(256),
  /** Default: one is made. A URL is a client that describes itself there. */
  id: CLIENT_ID.optional(),
  redirectUris: z.array(z.string().min(1).max(URL_CHARS_MAX)).max(20).default([]),
  method: z.enum(CLIENT_METHODS).default('none'),
  jwks: z.strictObject({ keys: z.array(PublicKey).min(1).max(20) }).optional(),
  jwksUri: z.string().min(1).max(URL_CHARS_MAX).optional(),
  views: z.array(z.string().max(64)).max(LIST_MAX).default([]),
  scopes: z.array(scope).max(LIST_MAX).default([]),
})

export const ClientId = z.strictObject({ id: CLIENT_ID })

export const RotatedKey = z.object({ kid: z.string(), signsFrom: z.int() })
