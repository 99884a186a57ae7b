import { z } from 'zod'
import { isNetwork } from '#auth'
import { authSchema } from './auth.ts'
import { labelsSchema } from './flow.ts'
import { eventsSchema } from './events.ts'
import { BOUNDS, bytes, count, limitsSchema } from './limits.ts'
import { payloadsSchema } from './payloads.ts'
import { policySchema } from './policy.ts'
import { quotasSchema } from './quotas.ts'
import { redactionSchema } from './redaction.ts'
import { serverAuthSchema } from './server-auth.ts'
import { tasksSchema, toolRulesSchema } from './tasks.ts'
import { telemetrySchema } from './telemetry.ts'
import { vaultSchema } from './vault.ts'
import { witnessesSchema, witnessForSchema } from './witnesses.ts'
import { storeSchema } from './store.ts'
import { SERVER_ID, SERVER_ID_CHARS_MAX } from './server-id.ts'

const TEXT_CHARS_MAX = 32_768
const LIST_MAX = 1_024
const SERVERS_MAX = 500
const PROXIES_MAX = 100

const text = z.string().max(TEXT_CHARS_MAX)
const named = z.string().regex(SERVER_ID).max(SERVER_ID_CHARS_MAX)
const texts = z.record(z.string(), text)

/** One server as we write it. Text may hold `${NAME}` and `${NAME:-fallback}`. */
export const serverSchema = z
  .strictObject({
    command: text.min(1).optional().describe('The program to start; found in PATH.'),
    args: z.array(text).max(LIST_MAX).optional().describe('Its arguments, one text each.'),
    env: texts.optional().describe('Its environment. It inherits only what every program needs.'),
    cwd: text
      .min(1)
      .optional()
      .describe('Where it runs, relative to this file. Default: the folder of this file.'),
    url: text
      .min(1)
      .optional()
      .describe('Where it is reached. With `command`: we start it, then reach it here.'),
    headers: texts.optional().describe('Sent with every request to `url`.'),
    auth: serverAuthSchema.optional(),
    type: z
      .enum(['stdio', 'http', 'sse'])
      .optional()
      .describe('Needed for `sse` only (HTTP+SSE of 2024-11-05); the rest shows from `url`.'),
    era: z
      .enum(['auto', 'legacy', 'modern'])
      .default('auto')
      .describe(
        'Which protocol it speaks; `auto` asks it. Set it where asking disturbs the server.',
      ),
    start: z
      .enum(['demand', 'eager'])
      .default('demand')
      .describe('`eager` starts with us; `demand` with the first call or list.'),
    callTimeoutMs: count(
      BOUNDS.callTimeoutMs,
      'The longest one call may take. Waiting for a person is not counted.',
    ),
    idleMs: count(
      BOUNDS.idleMs,
      'A process unused for this long is stopped, to give its memory back. 0 keeps it for ever.',
    ),
    messageBytesMax: bytes(
      BOUNDS.messageBytesMax,
      'The largest message accepted from it; a larger one ends the call, not us.',
    ),
    labels: labelsSchema.describe(
      'What its tools, resources and prompts do with information: they read what strangers may have written (`untrusted`) or what is not for everybody (`private`), send things out (`outward`), destroy something (`destructive`).',
    ),
    tools: toolRulesSchema,
    disabled: z.boolean().default(false).describe('Keeps the entry without using it.'),
  })
  .meta({ anyOf: [{ required: ['command'] }, { required: ['url'] }] })

export type ServerEntry = z.output<typeof serverSchema>

export const listenSchema = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .max(253)
      .default('127.0.0.1')
      .describe('The address to listen on. Other than this machine needs `auth`.'),
    port: count({ min: 0, max: 65_535, fallback: 7_420 }, 'The port; 0 takes any that is free.'),
    publicUrl: z
      .string()
      .max(2_048)
      .optional()
      .describe(
        'The origin clients see when something stands in front of us, such as https://mcp.example.',
      ),
    proxies: z
      .array(z.string().max(64).refine(isNetwork, 'an address, or a network such as 10.0.0.0/8'))
      .max(PROXIES_MAX)
      .default([])
      .describe(
        'The proxies in front of us, as addresses or networks: what they write into X-Forwarded-For is where policies take a call to come from. Nobody else is believed.',
      ),
  })
  .prefault({})
  .describe('Where clients reach us.')

const viewSchema = z.strictObject({
  servers: z.array(named).min(1).max(SERVERS_MAX).describe('The servers behind this URL.'),
})

const ledgerSchema = z
  .strictObject({
    reads: z
      .enum(['batched', 'ahead'])
      .default('batched')
      .describe(
        'When the record of a read reaches the disk: within 20 ms (`batched`), or before the read is sent (`ahead`). Writes are always recorded ahead.',
      ),
    payloads: payloadsSchema,
    witnesses: witnessesSchema,
    witnessFor: witnessForSchema,
  })
  .prefault({})
  .describe('How what happened is recorded.')

const logSchema = z
  .strictObject({
    level: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .describe('The least severity written to standard error.'),
  })
  .prefault({})
  .describe('What we say of ourselves while running.')

/** The whole file. Objects are strict: a misspelt limit must not silently be no limit. */
export const configSchema = z.strictObject({
  $schema: z.string().max(2_048).optional().describe('For editors; means nothing to us.'),
  listen: listenSchema,
  auth: authSchema,
  policy: policySchema,
  quotas: quotasSchema,
  events: eventsSchema,
  redaction: redactionSchema,
  vault: vaultSchema,
  data: z
    .string()
    .min(1)
    .max(4_096)
    .default('./.countersign')
    .describe('The folder of the store and the keys, relative to this file.'),
  store: storeSchema,
  servers: z
    .record(named, serverSchema)
    .prefault({})
    .describe('The servers we stand in front of, by the name that starts their tools.'),
  views: z
    .record(named, viewSchema)
    .prefault({})
    .describe('Named selections of servers, each with a URL of its own: /mcp/{name}.'),
  mcpServers: z
    .record(z.string().min(1).max(256), z.looseObject({}))
    .prefault({})
    .describe('A block pasted from a client, unchanged; its own spelling is understood.'),
  ledger: ledgerSchema,
  tasks: tasksSchema,
  limits: limitsSchema,
  log: logSchema,
  telemetry: telemetrySchema,
})

export const SECTIONS: ReadonlySet<string> = new Set(Object.keys(configSchema.shape))
