import { EFFECTS } from '@countersign/contract'
import { z } from 'zod'
import type { clockOf } from './moment.ts'
import type { Question } from './question.ts'

const UID = /^(User|Workload|Agent)::"([^"]{1,500})"$/
const THING = /^([^/]+)\/(.+)$/s
const names = z.array(z.string().max(500)).max(500)
const thing = z.string().regex(THING).max(2_048)

/** One question and the answer it must get. */
export const caseSchema = z
  .strictObject({
    name: z.string().min(1).max(200).default('unnamed'),
    principal: z.string().regex(UID).default('User::"local"'),
    groups: names.default([]),
    action: z.enum(['call', 'read', 'prompt']).optional(),
    tool: thing.optional(),
    prompt: thing.optional(),
    resource: thing.optional(),
    effect: z.enum(EFFECTS).optional(),
    arguments: z.record(z.string(), z.json()).optional(),
    digest: z.string().optional(),
    view: z.string().default(''),
    scopes: names.default([]),
    agents: names.default([]),
    delegation: z.int().min(0).max(100).default(0),
    proof: z.enum(['local', 'bearer', 'dpop']).default('local'),
    at: z.iso.datetime({ offset: true }).default('2026-01-05T12:00:00Z'),
    acr: z.string().max(255).optional(),
    amr: names.default([]),
    /** Seconds since somebody signed in. */
    age: z.int().min(0).optional(),
    address: z.string().optional(),
    labels: names.default([]),
    recent: names.default([]),
    found: names.default([]),
    run: z.strictObject({ id: z.string(), labels: names.default([]) }).optional(),
    approval: z.strictObject({ groups: names, people: z.int().min(1).default(1) }).optional(),
    expect: z.enum(['allow', 'ask', 'deny', 'listed', 'hidden']),
    policies: names.optional(),
  })
  .refine((one) => [one.tool, one.prompt, one.resource].filter(Boolean).length === 1, {
    message: 'name one of tool, prompt and resource, as "server/name"',
  })
  .refine((one) => one.action === undefined || one.action === actionOf(one), {
    message: 'tools are called, resources read, and prompts prompted',
  })

export type Case = z.output<typeof caseSchema>

export const casesSchema = z.strictObject({
  timeZone: z.string().optional(),
  cases: z.array(caseSchema).min(1).max(10_000),
})

interface Named {
  readonly tool?: string | undefined
  readonly prompt?: string | undefined
}
const actionOf = ({ tool, prompt }: Named): 'call' | 'read' | 'prompt' =>
  tool !== undefined ? 'call' : prompt !== undefined ? 'prompt' : 'read'

const TYPE_OF = { call: 'Tool', read: 'Resource', prompt: 'Prompt' } as const

/** The case as the question it asks. What is not said of a tool is taken to be destructive. */
export function questionIn(one: Case, momentAt: ReturnType<typeof clockOf>): Question {
  const action = actionOf(one)
  const [, server = '', name = ''] = THING.exec(one.tool ?? one.prompt ?? one.resource ?? '') ?? []
  const { expect: _expect, policies: _policies, acr, amr, age, ...said } = one
  return {
    ...said,
    signIn: { acr, amr, ageS: age },
    principal: { ...askerIn(one.principal), groups: one.groups },
    action,
    resource: { type: TYPE_OF[action], server, name },
    effect: one.effect ?? (action === 'call' ? 'destructive' : 'read'),
    moment: momentAt(Date.parse(one.at)),
  }
}

/** A principal by its id: `https://idp.example#ada` is the subject `ada` of that issuer. */
function askerIn(written: string) {
  const [, kind = '', id = ''] = UID.exec(written) ?? []
  const type = kind === 'Workload' || kind === 'Agent' ? kind : 'User'
  const at = id.lastIndexOf('#')
  if (at < 0) return { type, id, subject: id } as const
  return { type, id, subject: decoded(id.slice(at + 1)), issuer: id.slice(0, at) } as const
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
