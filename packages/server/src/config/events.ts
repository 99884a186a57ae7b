import { resolve } from 'node:path'
import { z } from 'zod'
import type { Reach } from '#auth'
import { Secret } from '#base'
import {
  FORMATS,
  isKindPattern,
  isKnownKind,
  isWebhookSecret,
  type FeedSettings,
  type FileSpec,
  type WebhookSpec,
} from '#feeds'
import { expand, type Variable } from './expand.ts'
import { isLocalUrl } from './issuer-url.ts'
import { count } from './limits.ts'
import type { Complain, Path } from './mistake.ts'

const WEBHOOKS_MAX = 50
const FILES_MAX = 20
const READERS_MAX = 50
const KINDS_MAX = 100
const SECRETS_MAX = 4
const TEXT_CHARS_MAX = 2_048
const PATH_CHARS_MAX = 4_096
export const FEED_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

const text = z.string().min(1).max(TEXT_CHARS_MAX)
/** One secret, or several while one takes the place of another. */
export const secretsSchema = z.union([text, z.array(text).min(1).max(SECRETS_MAX)])

const kinds = z
  .array(
    z
      .string()
      .max(100)
      .refine(isKindPattern, 'a kind such as approval.asked, or all of approval.*')
      .refine(isKnownKind, 'there is no such kind: docs/ledger-format.md has those there are'),
  )
  .min(1)
  .max(KINDS_MAX)
  .optional()
  .describe('Only these kinds of entries, such as `approval.*` or `call.closed`. Default: all.')

const format = (fallback: (typeof FORMATS)[number]) =>
  z
    .enum(FORMATS)
    .default(fallback)
    .describe(
      '`countersign`: the entry as it is; `cloudevents`: CloudEvents 1.0; `ocsf`: OCSF 1.8.',
    )

const from = (fallback: 'now' | 'start') =>
  z
    .enum(['now', 'start'])
    .default(fallback)
    .describe('Where it begins the first time: with what comes, or with the first entry there is.')

const webhookSchema = z.strictObject({
  name: z.string().regex(FEED_NAME).describe('What it is called in commands and entries.'),
  url: text.describe('Where it is posted to. https, or http on this machine. May hold `${NAME}`.'),
  secret: secretsSchema.describe(
    'What it is signed with (Standard Webhooks): `whsec_` and the base64 of 24 to 64 random bytes, as `${NAME}`. Several, the newest first, while receivers change over.',
  ),
  kinds,
  format: format('countersign'),
  from: from('now'),
  allowPrivate: z
    .boolean()
    .default(false)
    .describe(
      'Whether its address may be a private one, or on this machine. Cloud metadata never is.',
    ),
  includeArguments: z
    .boolean()
    .default(false)
    .describe('Whether `approval.*` carries the arguments of the call, for whoever decides there.'),
})

const fileSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(PATH_CHARS_MAX)
    .describe('A file of JSON lines, relative to this one. It may be moved away at any time.'),
  kinds,
  format: format('ocsf'),
  from: from('start'),
})

export const eventsSchema = z
  .strictObject({
    readers: z
      .array(z.string().min(1).max(64))
      .max(READERS_MAX)
      .default([])
      .describe(
        'Groups of `policy.groups` whose members see everything on the live stream. Everybody else sees their own calls.',
      ),
    streamsMax: count(
      { min: 0, max: 10_000, fallback: 100 },
      'Live streams at one time; each holds a connection.',
    ),
    webhooks: z
      .array(webhookSchema)
      .max(WEBHOOKS_MAX)
      .default([])
      .describe('Who is told over HTTP.'),
    files: z.array(fileSchema).max(FILES_MAX).default([]).describe('For programs that ship logs.'),
  })
  .prefault({})
  .describe('What others are told, as it happens: streams, webhooks, files.')

interface Reading {
  readonly folder: string
  readonly groups: readonly string[]
  readonly variable: Variable
  readonly complain: Complain
}

export function eventsOf(written: z.output<typeof eventsSchema>, reading: Reading): FeedSettings {
  const { readers, streamsMax, webhooks, files } = written
  for (const [index, group] of readers.entries()) {
    if (reading.groups.includes(group)) continue
    reading.complain(['events', 'readers', index], 'no such group', 'name one of policy.groups')
  }
  once(
    webhooks.map(({ name }) => name),
    ['events', 'webhooks'],
    'name',
    reading,
  )
  const named = files.map((one): FileSpec => ({
    ...kindsOf(one),
    path: resolve(reading.folder, one.path),
  }))
  once(
    named.map(({ path }) => path),
    ['events', 'files'],
    'path',
    reading,
  )
  return {
    readers,
    streamsMax,
    webhooks: webhooks.flatMap((one, index) => webhookOf(one, index, reading) ?? []),
    files: named,
  }
}

function once(
  all: readonly string[],
  at: Path,
  field: string,
  { complain }: Pick<Reading, 'complain'>,
): void {
  for (const [index, one] of all.entries()) {
    if (all.indexOf(one) === index) continue
    complain([...at, index, field], 'is here twice', 'each keeps a place of its own')
  }
}

type Webhook = z.output<typeof webhookSchema>

function webhookOf(one: Webhook, index: number, reading: Reading): WebhookSpec | undefined {
  const { name, url, secret, allowPrivate, format: as, includeArguments } = one
  const at = ['events', 'webhooks', index]
  const where = expand(url, reading.variable)
  const secrets = secretsOf(secret, [...at, 'secret'], reading)
  if (!where.ok) {
    reading.complain([...at, 'url'], where.problem, where.remedy)
    return undefined
  }
  const reach = reachOf(where.text, allowPrivate)
  checkUrl(where.text, reach, [...at, 'url'], reading.complain)
  return { ...kindsOf(one), name, url: where.text, secrets, format: as, reach, includeArguments }
}

const kindsOf = (
  one: Pick<Webhook, 'kinds' | 'format' | 'from'>,
): Pick<FileSpec, 'kinds' | 'format' | 'from'> => ({
  kinds: one.kinds,
  format: one.format,
  from: one.from,
})

const reachOf = (url: string, allowPrivate: boolean): Reach => {
  if (!allowPrivate) return 'public'
  return isLocalUrl(url) ? 'loopback' : 'private'
}

function checkUrl(url: string, reach: Reach, at: Path, complain: Complain): void {
  if (!URL.canParse(url)) {
    complain(at, 'not a URL', 'for example https://hooks.example/countersign')
    return
  }
  const { protocol, username, password, hash } = new URL(url)
  if (isLocalUrl(url) && reach === 'public') {
    complain(at, 'on this machine', 'write allowPrivate: true if that is meant')
  } else if (protocol !== 'https:' && !(reach === 'loopback' && protocol === 'http:')) {
    complain(at, 'not https', 'http is for this machine alone')
  } else if (username !== '' || password !== '' || hash !== '') {
    complain(at, 'a password or a # part in the URL', 'remove it: messages are signed')
  }
}

/** With their variables filled in; complains about each that could not sign. */
export function secretsOf(
  written: z.output<typeof secretsSchema>,
  at: Path,
  { variable, complain }: Pick<Reading, 'variable' | 'complain'>,
): readonly Secret[] {
  const all = typeof written === 'string' ? [written] : written
  return all.flatMap((one, index) => {
    const place = typeof written === 'string' ? at : [...at, index]
    const read = expand(one, variable)
    if (!read.ok) complain(place, read.problem, read.remedy)
    else if (isWebhookSecret(read.text)) return [new Secret(read.text)]
    else complain(place, 'no signing secret', 'whsec_ and the base64 of 24 to 64 random bytes')
    return []
  })
}
