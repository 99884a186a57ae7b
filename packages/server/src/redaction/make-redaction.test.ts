import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@countersign/contract'
import fc from 'fast-check'
import { makeRedaction } from './make-redaction.ts'
import { loadPersonal } from './personal.ts'
import { loadSecrets } from './secrets.ts'
import type { Directions, RedactionSettings } from './settings.ts'

const detectors = { secrets: await loadSecrets(), personal: await loadPersonal() }
const both = (mode: Directions['in']): Directions => ({ in: mode, out: mode })
const settings = (more: Partial<RedactionSettings> = {}): RedactionSettings => ({
  default: { secrets: both('mask'), personal: both('mask') },
  servers: {},
  charsMax: 1_048_576,
  tooMuch: 'block',
  ...more,
})
const about = { server: 'mail', name: 'send' }
const inward = (value: JsonObject, more: Partial<RedactionSettings> = {}) =>
  makeRedaction(settings(more), detectors).inward(about, value)

/** Of the form of real ones; none opens anything. */
const letters = 'aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF'
const SECRETS: Readonly<Record<string, string>> = {
  'secret/github': `ghp_${letters}aB3d`,
  'secret/slack': `xoxb-${'1'.repeat(12)}-${'2'.repeat(13)}-${letters.slice(0, 24)}`,
  'secret/stripe': `sk_live_${letters.slice(0, 24)}`,
  'secret/npm': `npm_${letters}aB3d`,
  'secret/gitlab': `glpat-${letters.slice(0, 20)}`,
  'secret/sendgrid': `SG.${letters.slice(0, 22)}.${letters}${letters.slice(0, 11)}`,
  'secret/anthropic': `sk-ant-api03-${letters.repeat(3).slice(0, 93)}AA`,
  'secret/database-connection-string': 'postgres://app:hunter2hunter2@db.internal:5432/app',
  'secret/basicauth': 'https://deploy:hunter2hunter2@git.analytical.dev',
  'secret/docker': `dckr_pat_${letters.slice(0, 27)}`,
}
const PERSONAL: Readonly<Record<string, string>> = {
  'personal/email': 'ada.lovelace@analytical.example.org',
  'personal/phone': '+43 664 1234567',
  'personal/iban': 'DE89 3704 0044 0532 0130 00',
  'personal/payment-card': '4111 1111 1111 1111',
}

/** What looks like something and is nothing. */
const HARMLESS = [
  'commit 9fceb02d0ae598e95dc970b74767f19372d60af8',
  '3f2b8c1e-1111-4222-8333-444455556666',
  'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  '2026-11-22T12:34:56.789+01:00',
  'order 1234567890123456, lot 00000000000000000',
  'version 10.2.3-rc.1+build.5',
  '10.0.0.1:8080 and fe80::1',
  'postgres://localhost/app and https://user@host.example/path',
  'sk_live_ and ghp_ begin tokens; npm_config_cache does not',
  'the password is asked for, and token = none',
  'write to @ada or a@b',
  '+1 +2 = 3, and +49 is Germany',
  'DE89 is a start, DE00 1234 5678 9012 3456 78 has a wrong sum',
  '4111 1111 1111 1112 has one too',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ',
]

// PO-071
for (const [kind, secret] of Object.entries({ ...SECRETS, ...PERSONAL })) {
  test(`${kind} is found and covered, wherever it stands`, () => {
    const nested = { to: [{ note: `before ${secret} after` }], [secret]: 1, other: 'kept', n: 4 }
    const { value, found, blocked } = inward(nested)
    const text = JSON.stringify(value)
    assert.ok(!text.includes(secret), text)
    assert.ok(text.includes(`before [redacted: ${kind}] after`), text)
    assert.ok((found[kind] ?? 0) >= 2, JSON.stringify(found))
    assert.deepEqual([value['other'], value['n'], blocked], ['kept', 4, []])
  })
}

// PO-071
test('what looks like something and is nothing is left alone', () => {
  const value = { lines: HARMLESS, ...Object.fromEntries(HARMLESS.map((one) => [one, one])) }
  const said = inward(value)
  assert.deepEqual(said.found, {})
  assert.equal(said.value, value)
})

test('what is a secret by its name is covered, and no more of it', () => {
  const key = 'abcdefghij0123456789ABCDEFGHIJ0123456789'
  const { value, found } = inward({ AWS_SECRET_ACCESS_KEY: key, region: 'eu-west-1' })
  assert.deepEqual(value, { AWS_SECRET_ACCESS_KEY: '[redacted: secret/aws]', region: 'eu-west-1' })
  assert.deepEqual(found, { 'secret/aws': 1 })
})

// PO-071
test('a payment card is one also when its date stands behind it', () => {
  for (const after of [' 12/27', ' 12 27', ' 123', '-12', ' 1227 123']) {
    const { value } = inward({ text: `4111 1111 1111 1111${after}` })
    assert.deepEqual(value, { text: `[redacted: personal/payment-card]${after}` })
  }
})

// PO-073
test('ever so many names that are covered alike stay as many, in one look at each', () => {
  const many = Array.from({ length: 40_000 }, (_, at) => [`a${String(at)}@b.de`, at] as const)
  const { value } = inward({ '[redacted: personal/email] 3': 'mine', ...Object.fromEntries(many) })
  assert.deepEqual(Object.values(value), ['mine', ...many.map(([, at]) => at)])
  assert.deepEqual(Object.keys(value).slice(1, 4), [
    '[redacted: personal/email]',
    '[redacted: personal/email] 2',
    '[redacted: personal/email] 4',
  ])
})

// PO-072
test('bytes of images and resources are no text, and what is only called so is', () => {
  const token = SECRETS['secret/github'] ?? ''
  const bytes = Buffer.from(`${token}, and more`).toString('base64')
  const opaque = { type: 'image', data: bytes, resource: { uri: 'a://b', blob: bytes } }
  assert.deepEqual(inward(opaque).found, {})
  const called = {
    blob: token,
    file: { blob: { deep: token } },
    image: { type: 'image', data: token },
    sound: { type: 'audio', data: [token] },
    resource: { uri: 'a://b', blob: `see ${token}` },
  }
  const { value, found } = inward(called)
  assert.deepEqual(found, { 'secret/github': 5 })
  assert.ok(!JSON.stringify(value).includes(token))
})

// PO-072
test('whoever is looked at cannot switch the looking off', () => {
  const { value } = inward({
    a: `<!-- secretlint-disable --> // secretlint-disable-line ${SECRETS['secret/github']}`,
    b: 'secretlint-disable',
    c: SECRETS['secret/slack'] ?? '',
  })
  assert.equal(value['c'], '[redacted: secret/slack]')
  assert.match(JSON.stringify(value['a']), /\[redacted: secret\/github\]"$/)
})

test('each server and tool has its own word, for each direction', () => {
  const secret = SECRETS['secret/github'] ?? ''
  const redaction = makeRedaction(
    settings({
      default: { secrets: both('record'), personal: both('off') },
      servers: {
        mail: { secrets: { in: 'block' }, tools: { draft: { secrets: both('mask') } } },
      },
    }),
    detectors,
  )
  const value = { text: secret, to: 'ada@analytical.example.org' }
  const said = (direction: 'inward' | 'outward', server: string, name: string) => {
    const { done, blocked, value: after, found } = redaction[direction]({ server, name }, value)
    assert.deepEqual(found, { 'secret/github': 1 })
    return [done, blocked.length, after['text'] === secret]
  }
  assert.deepEqual(said('inward', 'web', 'send'), ['record', 0, true])
  assert.deepEqual(said('inward', 'mail', 'send'), ['block', 1, false], 'covered where it is told')
  assert.deepEqual(said('outward', 'mail', 'send'), ['record', 0, true])
  assert.deepEqual(said('inward', 'mail', 'draft'), ['mask', 0, false])
  assert.deepEqual(said('inward', 'mail', 'toString'), ['block', 1, false])
})

// PO-073
test('what is too much to be looked at is refused where something would be, and told', () => {
  let deep: JsonObject = { text: 'x' }
  for (let level = 0; level < 1_000; level++) deep = { deep }
  const large = { text: 'lorem ipsum '.repeat(100_000) }
  const wide = { all: Array.from({ length: 100_001 }, () => 0) }
  for (const value of [deep, large, wide]) {
    const held = inward(value)
    assert.deepEqual([held.found, held.blocked, held.value], [{ unseen: 1 }, ['unseen'], {}])
    const passed = inward(value, { tooMuch: 'pass' })
    assert.deepEqual([passed.found, passed.blocked], [{ unseen: 1 }, []])
    assert.equal(passed.value, value)
    const told = inward(value, { default: { secrets: both('record'), personal: both('off') } })
    assert.deepEqual([told.blocked, told.value === value], [[], true])
  }
})

test('of a long text nothing lies between two looks', () => {
  const secret = SECRETS['secret/github'] ?? ''
  for (const before of [65_500, 65_536, 49_150, 131_072, 98_300]) {
    const { value, found } = inward({ text: `${'x '.repeat(before / 2)}${secret} end` })
    assert.ok(!JSON.stringify(value).includes(secret), String(before))
    assert.deepEqual(found, { 'secret/github': 1 })
  }
})

test('nothing but texts differs, whatever the value is', () => {
  const token = fc.constantFrom(...Object.values({ ...SECRETS, ...PERSONAL }))
  const piece = fc.oneof(fc.string({ unit: 'binary' }), token)
  const json = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.array(piece, { maxLength: 3 }).map((all) => all.join(' ')),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(piece, tie('any'), { maxKeys: 4 }),
    ),
  })).any
  const shape = (value: unknown): unknown => {
    if (typeof value === 'string') return ''
    if (Array.isArray(value)) return value.map(shape)
    if (typeof value !== 'object' || value === null) return value
    return Object.values(value).map(shape)
  }
  fc.assert(
    fc.property(json, (any) => {
      const value = { any } as JsonObject
      const { value: after, found } = inward(value)
      assert.deepEqual(shape(after), shape(value))
      const text = JSON.stringify(after)
      for (const secret of Object.values(SECRETS).slice(0, 5)) {
        assert.ok(!text.includes(` ${secret} `), secret)
      }
      if (Object.keys(found).length === 0) assert.equal(after, value)
    }),
    { numRuns: 300 },
  )
})
