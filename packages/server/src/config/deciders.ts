import { z } from 'zod'
import type { DeciderSpec } from '#feeds'
import { FEED_NAME, secretsOf, secretsSchema } from './events.ts'
import type { Variable } from './expand.ts'
import { memberId } from './member-id.ts'
import type { Complain } from './mistake.ts'

const DECIDERS_MAX = 20
const PEOPLE_MAX = 10_000
const PERSON_CHARS_MAX = 200
const PRINCIPAL_CHARS_MAX = 500

const deciderSchema = z.strictObject({
  name: z.string().regex(FEED_NAME).describe('What it is called in entries.'),
  secret: secretsSchema.describe(
    'What it signs with (Standard Webhooks): `whsec_` and base64, as `${NAME}`. It is not the secret of a webhook that tells it.',
  ),
  people: z
    .record(z.string().min(1).max(PERSON_CHARS_MAX), z.string().min(1).max(PRINCIPAL_CHARS_MAX))
    .refine((people) => Object.keys(people).length <= PEOPLE_MAX)
    .describe('Who somebody there is here: their id in the chat, and the id of their principal.'),
  as: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('The one group that people may speak for there. Default: each that they are in.'),
})

export const decidersSchema = z
  .array(deciderSchema)
  .max(DECIDERS_MAX)
  .default([])
  .describe('Chat systems in which people answer: POST /approvals/{id}/decision, signed.')

interface Reading {
  readonly groups: readonly string[]
  readonly variable: Variable
  readonly complain: Complain
}

export const decidersOf = (
  written: z.output<typeof decidersSchema>,
  reading: Reading,
): readonly DeciderSpec[] =>
  written.map(({ name, secret, people, as }, index) => {
    const at = ['policy', 'approvals', 'deciders', index]
    if (written.findIndex((one) => one.name === name) !== index) {
      reading.complain([...at, 'name'], 'is here twice', 'choose another')
    }
    if (as !== undefined && !reading.groups.includes(as)) {
      reading.complain([...at, 'as'], 'no such group', 'name one of policy.groups')
    }
    const secrets = secretsOf(secret, [...at, 'secret'], reading)
    const known = Object.entries(people).map(([who, id]) => [who, memberId(id)] as const)
    return { name, secrets, people: new Map(known), as }
  })
