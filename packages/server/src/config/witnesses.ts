import { resolve } from 'node:path'
import { z } from 'zod'
import { parseKey } from '@countersign/contract/ledger/index'
import type { Reach } from '#auth'
import { Secret } from '#base'
import { isWebhookSecret } from '#feeds'
import type { WatchedSpec, WitnessSpec } from '#witness'
import { expand, type Variable } from './expand.ts'
import { isLocalUrl } from './issuer-url.ts'
import type { Complain, Path } from './mistake.ts'

const WITNESSES_MAX = 20
const TEXT_CHARS_MAX = 2_048
const text = z.string().min(1).max(TEXT_CHARS_MAX)
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const name = z
  .string()
  .regex(NAME)
  .optional()
  .describe('What it is called in commands. Default: its path, or the host of its address.')
const allowPrivate = z
  .boolean()
  .default(false)
  .describe('Whether its address may be a private one, or on this machine.')

const witnessSchema = z.union(
  [
    z.strictObject({
      file: text.describe(
        'A file that grows by a line for each checkpoint, on a disk we cannot change.',
      ),
      name,
    }),
    z.strictObject({
      url: text.describe('Where each checkpoint is posted to. https, or http on this machine.'),
      secret: text
        .optional()
        .describe('What it is signed with (Standard Webhooks): `whsec_…`, as `${NAME}`.'),
      allowPrivate,
      name,
    }),
    z.strictObject({
      countersign: text.describe(
        'Another Countersign, such as https://audit.example/witness, or any witness of C2SP tlog-witness: it checks that nothing it saw was changed, and signs for it.',
      ),
      token: text
        .optional()
        .describe(
          'What it knows us by the first time, as `${NAME}`; not needed where it has our key.',
        ),
      allowPrivate,
      name,
    }),
  ],
  { error: 'expected one of file, url or countersign, with what belongs to it' },
)

export const witnessesSchema = z
  .array(witnessSchema)
  .max(WITNESSES_MAX)
  .default([])
  .describe(
    'Who keeps the checkpoints where whoever runs this cannot change them: then not even the owner of the key can write another history unnoticed.',
  )

export const witnessForSchema = z
  .array(
    z.strictObject({
      key: text
        .optional()
        .describe('The public key of the ledger, as "countersign ledger key" prints it there.'),
      token: text
        .optional()
        .describe(
          'What the other side shows, as `${NAME}`. Without a key, the ledger that shows it first is the one that is kept from then on.',
        ),
    }),
  )
  .max(1_000)
  .default([])
  .describe('The ledgers whose checkpoints we keep and sign for, at /witness/add-checkpoint.')

interface Reading {
  readonly folder: string
  readonly variable: Variable
  readonly complain: Complain
}

type Written = z.output<typeof witnessSchema>

export function witnessesOf(written: readonly Written[], reading: Reading): readonly WitnessSpec[] {
  const specs = written.flatMap((one, index) => witnessOf(one, index, reading) ?? [])
  const names = specs.map((one) => one.name)
  for (const [index, one] of names.entries()) {
    if (names.indexOf(one) === index) continue
    reading.complain(['ledger', 'witnesses', index], `is called ${one}, too`, 'give it a `name`')
  }
  return specs
}

function witnessOf(one: Written, index: number, reading: Reading): WitnessSpec | undefined {
  const at = ['ledger', 'witnesses', index]
  if ('file' in one) {
    const path = resolve(reading.folder, one.file)
    return { kind: 'file', name: one.name ?? one.file, path }
  }
  const [field, address] = 'url' in one ? ['url', one.url] : ['countersign', one.countersign]
  const url = filled(address, [...at, field], reading)?.replace(/\/+$/, '')
  if (url === undefined) return undefined
  const reach = reachOf(url, one.allowPrivate)
  if (!isAddress(url, reach)) {
    reading.complain([...at, field], 'not an address', ADDRESS)
    return undefined
  }
  const where = { name: one.name ?? new URL(url).host, url, reach }
  if (!('url' in one)) {
    return { kind: 'witness', ...where, token: secretIn(one.token, [...at, 'token'], reading) }
  }
  const secret = secretIn(one.secret, [...at, 'secret'], reading)
  if (secret && !isWebhookSecret(secret.reveal())) {
    const remedy = 'whsec_ and the base64 of 24 to 64 random bytes'
    reading.complain([...at, 'secret'], 'no secret of Standard Webhooks', remedy)
  }
  return { kind: 'webhook', ...where, secrets: secret ? [secret] : [] }
}

function secretIn(written: string | undefined, at: Path, reading: Reading): Secret | undefined {
  const read = written === undefined ? undefined : filled(written, at, reading)
  return read === undefined ? undefined : new Secret(read)
}

const ADDRESS =
  'https, such as https://audit.example/witness; http and private ones with allowPrivate: true'

function filled(written: string, at: Path, { variable, complain }: Reading): string | undefined {
  const read = expand(written, variable)
  if (read.ok) return read.text
  complain(at, read.problem, read.remedy)
  return undefined
}

const reachOf = (url: string, isPrivate: boolean): Reach => {
  if (!isPrivate) return 'public'
  return isLocalUrl(url) ? 'loopback' : 'private'
}

function isAddress(url: string, reach: Reach): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, username, password, hash, search } = new URL(url)
  if (username !== '' || password !== '' || hash !== '' || search !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && reach === 'loopback')
}

export function watchedOf(
  written: readonly { readonly key?: string | undefined; readonly token?: string | undefined }[],
  reading: Reading,
): readonly WatchedSpec[] {
  return written.map(({ key, token }, index) => {
    const at = ['ledger', 'witnessFor', index]
    const known = key === undefined ? undefined : parseKey(key)
    if (key !== undefined && !known) {
      reading.complain(
        [...at, 'key'],
        'no key of a ledger',
        'as "countersign ledger key" prints it',
      )
    }
    if (key === undefined && token === undefined) {
      reading.complain(at, 'names nobody', 'give the `key` of the ledger, or a `token`')
    }
    return { key: known, token: secretIn(token, [...at, 'token'], reading) }
  })
}
