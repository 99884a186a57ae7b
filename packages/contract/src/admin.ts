/** The control plane, once. The server answers these operations; the console and the CLI ask them. */
import { z } from 'zod'
import { EFFECTS, KINDS } from './tool.ts'

const Json = z.record(z.string(), z.json())

/** One line of the ledger; `at` is in milliseconds since the epoch. */
const Entry = z.object({
  seq: z.int(),
  at: z.int(),
  kind: z.string(),
  call: z.string().optional(),
  body: Json,
})

const Server = z.object({
  id: z.string(),
  state: z.string(),
  era: z.string().optional(),
  revision: z.string().optional(),
  name: z.string().optional(),
  version: z.string().optional(),
  pid: z.int().optional(),
  restarts: z.int(),
  inFlight: z.int(),
  tools: z.int(),
  problem: z.string().optional(),
  problems: z.array(z.string()),
})

const Tool = z.object({
  name: z.string(),
  server: z.string(),
  original: z.string(),
  kind: z.enum(KINDS),
  effect: z.enum(EFFECTS),
  digest: z.string(),
  description: z.string().optional(),
  inputSchema: Json.optional(),
})

/** Every operation: how it is asked over HTTP, and the shapes of its question and answer. */
export const ADMIN = {
  listServers: {
    method: 'GET',
    path: '/admin/servers',
    input: z.strictObject({}),
    output: z.array(Server),
  },
  listTools: {
    method: 'GET',
    path: '/admin/tools',
    input: z.strictObject({ view: z.string().max(64).default('') }),
    output: z.array(Tool),
  },
  listEntries: {
    method: 'GET',
    path: '/admin/entries',
    input: z.strictObject({
      after: z.coerce.number().int().min(0).optional(),
      last: z.coerce.number().int().min(1).max(1_000).optional(),
    }),
    output: z.array(Entry),
  },
} as const satisfies Record<string, Operation>

interface Operation {
  readonly method: 'GET' | 'POST'
  readonly path: `/admin/${string}`
  readonly input: z.ZodType
  readonly output: z.ZodType
}

type Ops = typeof ADMIN
export type AdminName = keyof Ops

/** What the server implements and what `connect` returns: one type, so they cannot drift apart. */
export type Admin = {
  readonly [Name in AdminName]: (
    input: z.input<Ops[Name]['input']>,
  ) => Promise<z.output<Ops[Name]['output']>>
}
