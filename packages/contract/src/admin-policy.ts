import { z } from 'zod'

const FILES_MAX = 500
const TEXT_CHARS_MAX = 4_194_304

/** One file of policies: Cedar's text, by its name in their folder. */
const PolicyFile = z.strictObject({
  name: z.string().regex(/^[^/\\\0]{1,200}\.cedar$/),
  text: z.string().max(TEXT_CHARS_MAX),
})

/** The cases of one file, as `*.cases.yaml` holds them. */
const CaseFile = z.strictObject({
  name: z.string().min(1).max(256),
  timeZone: z.string().max(64).optional(),
  cases: z.array(z.record(z.string(), z.json())).max(10_000),
})

const AUTHOR = z.string().min(1).max(500)
const REASON = z.string().min(1).max(1_000)
const NUMBER = z.int().min(1)
const ids = z.array(z.string())

/** A set of policies that was in force; `at` is in milliseconds since the epoch. */
const PolicyVersionLine = z.object({
  number: z.int(),
  at: z.int(),
  digest: z.string(),
  /** Who is said to have written it; `unknown` for a folder. */
  author: z.string(),
  reason: z.string().optional(),
  source: z.enum(['folder', 'admin']),
  /** How many there are, and which differ from the version before. */
  policies: z.int(),
  added: ids,
  removed: ids,
  changed: ids,
  isInForce: z.boolean(),
})
export type PolicyVersionLine = z.output<typeof PolicyVersionLine>

const PolicyVersionDetail = PolicyVersionLine.extend({ files: z.array(PolicyFile) })
export type PolicyVersionDetail = z.output<typeof PolicyVersionDetail>

const written = {
  author: AUTHOR.optional(),
  reason: REASON.optional(),
  /** The version that the writer has seen: with another in force nothing is changed. */
  expect: z.int().min(0).optional(),
}

/** Policies in the store: what was in force, and what shall be. */
export const POLICY_OPERATIONS = {
  /** The newest first. */
  listPolicyVersions: {
    method: 'GET',
    path: '/admin/policy/versions',
    input: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
    output: z.array(PolicyVersionLine),
  },
  /** With its files; without a number the one in force. */
  getPolicyVersion: {
    method: 'GET',
    path: '/admin/policy/version',
    input: z.strictObject({ number: z.coerce.number().int().min(1).optional() }),
    output: PolicyVersionDetail,
  },
  /** Puts a whole set in force, on every node, if all of it is right and its cases come out. */
  applyPolicies: {
    method: 'POST',
    path: '/admin/policy/apply',
    input: z.strictObject({
      files: z.array(PolicyFile).max(FILES_MAX),
      cases: z.array(CaseFile).max(FILES_MAX).default([]),
      /** Also where cases do not come out. */
      force: z.boolean().default(false),
      ...written,
    }),
    output: PolicyVersionLine,
  },
  /** Puts an earlier set in force again, as a new version. */
  rollbackPolicies: {
    method: 'POST',
    path: '/admin/policy/rollback',
    input: z.strictObject({ number: NUMBER, ...written }),
    output: PolicyVersionLine,
  },
} as const
