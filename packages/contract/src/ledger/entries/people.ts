import { z } from 'zod'
import { folded, json, object, text, texts } from './shapes.ts'

const issued = z.strictObject({
  /** The endpoint that was asked. */
  at: text.optional(),
  grant: text.optional(),
  client: text.optional(),
  /** Its id, never the token. */
  token: text.optional(),
  subject: text.optional(),
  resource: text.optional(),
  scopes: texts.optional(),
  /** Whether it is of use only to whoever has a key. */
  isBound: z.boolean().optional(),
  /** On whose behalf: the actors of RFC 8693 §4.1. */
  act: json.optional(),
  /** What it was given for. */
  basis: object.optional(),
})

const refused = z.strictObject({
  at: text.optional(),
  grant: text.optional(),
  client: text.optional(),
  error: text,
  why: text.optional(),
  reason: text.optional(),
})

const client = z.strictObject({
  client: text,
  name: text,
  method: text,
  redirectUris: texts,
  views: texts.optional(),
  scopes: texts.optional(),
})

const account = z.strictObject({ account: text })

/** Who is let in, by what, and who was not. */
export const PEOPLE_ENTRIES = {
  'token.issued': z.union([issued, folded]),
  'token.refused': z.union([refused, folded]),
  /** Whoever called did not prove who they are: no key knows the signature, or it is over. */
  'caller.refused': z.union([z.strictObject({ code: text, why: text, view: text }), folded]),
  'sign-in': z.union([z.strictObject({ principal: text, means: text }), folded]),
  'sign-in.failed': z.union([z.strictObject({ reason: text, account: text.optional() }), folded]),
  consent: z.union([
    z.strictObject({
      principal: text,
      client: text,
      resource: text,
      agreed: texts,
      declined: texts,
    }),
    folded,
  ]),
  'user.added': z.union([
    z.strictObject({ account: text, by: text.optional(), issuer: text.optional() }),
    folded,
  ]),
  'user.enrolled': z.union([z.strictObject({ account: text, means: text }), folded]),
  'user.linked': account,
  'user.disabled': account,
  'user.enabled': account,
  'user.removed': account,
  'client.added': client.extend({ by: text }),
  'client.removed': client,
  'keys.rotated': z.strictObject({ kid: text, signsFrom: z.int() }),
} as const
