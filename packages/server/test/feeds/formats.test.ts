// EV-001: what is told keeps to the formats that it names, whatever kind of entry it is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, own, type Json, type JsonObject } from '@countersign/contract'
import { ENTRIES } from '@countersign/contract/ledger/entries'
import fc from 'fast-check'
import type { About } from '../../src/feeds/about.ts'
import type { Event } from '../../src/feeds/event.ts'
import { makeAboutBook } from '../../src/feeds/about.ts'
import { isKind, isKindPattern } from '../../src/feeds/filter.ts'
import { makeRenderer } from '../../src/feeds/render.ts'
import { CLASSES, OBJECTS, SEVERITIES, type Shape } from './ocsf-excerpt.ts'

const ORIGIN = 'countersign-0123456789abcdef'
const renderer = makeRenderer(
  makeAboutBook(async () => []),
  ORIGIN,
)

/** What OCSF would say is wrong with an object; empty when nothing is. */
function problemsOf(value: Json | undefined, shape: Shape, at: string): readonly string[] {
  if (!isObject(value)) return [`${at} is no object`]
  const { attributes, anyOf } = shape
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(attributes, name))
  const missing = Object.entries(attributes).filter(
    ([name, type]) => type.endsWith('!') && own(value, name) === undefined,
  )
  const none = anyOf && !anyOf.some((name) => own(value, name) !== undefined)
  return [
    ...unknown.map((name) => `${at}.${name} is unknown`),
    ...missing.map(([name]) => `${at}.${name} is missing`),
    ...(none ? [`${at} has none of ${anyOf.join(', ')}`] : []),
    ...Object.entries(attributes).flatMap(([name, type]) => {
      const found = own(value, name)
      return found === undefined ? [] : problemsIn(found, type.replace('!', ''), `${at}.${name}`)
    }),
  ]
}

function problemsIn(value: Json, type: string, at: string): readonly string[] {
  if (type.endsWith('[]')) {
    return Array.isArray(value)
      ? value.flatMap((one, index) => problemsIn(one, type.slice(0, -2), `${at}[${index}]`))
      : [`${at} is no list`]
  }
  if (type === 'string')
    return typeof value === 'string' && value !== '' ? [] : [`${at} is no text`]
  if (type === 'integer') return Number.isSafeInteger(value) ? [] : [`${at} is no integer`]
  if (type === 'object') return isObject(value) ? [] : [`${at} is no object`]
  const shape = OBJECTS[type]
  return shape ? problemsOf(value, shape, at) : [`${at}: ${type} is not in the excerpt`]
}

function checkOcsf(event: JsonObject): void {
  const uid = Number(event['class_uid'])
  const found = CLASSES[uid]
  assert.ok(found, `class ${String(uid)}`)
  assert.deepEqual(problemsOf(event, found, 'event'), [])
  assert.equal(event['category_uid'], found.category)
  assert.equal(event['type_uid'], uid * 100 + Number(event['activity_id']))
  assert.ok(found.activities.includes(Number(event['activity_id'])))
  assert.ok(found.statuses.includes(Number(event['status_id'])))
  assert.ok(SEVERITIES.includes(Number(event['severity_id'])))
}

/** CloudEvents 1.0.2 §2.1, §3.1. */
function checkCloudEvent(event: JsonObject, { kind, body }: Event): void {
  assert.equal(event['specversion'], '1.0')
  assert.equal(event['type'], `dev.countersign.${kind}.v1`)
  assert.equal(event['source'], ORIGIN)
  assert.deepEqual(event['data'], body)
  assert.match(JSON.stringify(event['time']), /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$/)
  for (const [name, value] of Object.entries(event)) {
    assert.match(name, /^[a-z0-9]{1,20}$/)
    if (name !== 'data') assert.ok(typeof value === 'string' && value !== '', name)
  }
}

const text = fc.string({ minLength: 1, maxLength: 20 })
const about = fc.record(
  {
    principal: text,
    client: text,
    server: text,
    name: text,
    method: fc.constant('tools/call'),
    effect: fc.constantFrom('read', 'idempotent', 'write', 'destructive'),
    address: fc.constant('192.0.2.1'),
    token: text,
  },
  { requiredKeys: [] },
) satisfies fc.Arbitrary<About>
const body = fc.dictionary(
  fc.constantFrom(
    'outcome',
    'reason',
    'durationMs',
    'isError',
    'approval',
    'account',
    'state',
    'x',
  ),
  fc.oneof(
    fc.constantFrom('answered', 'refused', 'unknown', 'asked', 'open'),
    fc.boolean(),
    fc.double({ min: 0, max: 1e6, noNaN: true }),
  ),
)

test('each kind of entry there is, and one that is not, is right in every format', () => {
  const event = fc.record({
    seq: fc.integer({ min: 1, max: 2 ** 45 }),
    at: fc.integer({ min: 0, max: 2 ** 42 }),
    kind: fc.constantFrom(...Object.keys(ENTRIES), 'something.new'),
    call: fc.option(text, { nil: undefined }),
    body,
  })
  fc.assert(
    fc.property(event, about, (one, facts) => {
      checkOcsf(renderer.render('ocsf', one, facts))
      checkCloudEvent(renderer.render('cloudevents', one, facts), one)
      assert.deepEqual(JSON.parse(JSON.stringify(renderer.render('countersign', one, facts))), {
        ...JSON.parse(JSON.stringify(one)),
      })
      assert.doesNotMatch(renderer.idOf(one), /[.\s]/)
    }),
    { numRuns: 500 },
  )
})

test('a call is told as what it does, by whom, and with what came of it', () => {
  const facts: About = {
    principal: 'https://idp.example#ada',
    client: 'claude',
    server: 'files',
    name: 'write_file',
    method: 'tools/call',
    effect: 'destructive',
    address: '192.0.2.7',
    token: 'jti-1',
  }
  const closed = {
    seq: 7,
    at: 1_700_000_000_000,
    kind: 'call.closed',
    call: 'c1',
    body: { outcome: 'refused', reason: 'policy/denied', durationMs: 1.4 },
  }
  const told = renderer.render('ocsf', closed, facts)
  assert.deepEqual(
    [
      told['class_uid'],
      told['activity_id'],
      told['status_id'],
      told['status_code'],
      told['duration'],
    ],
    [6003, 4, 2, 'policy/denied', 1],
  )
  assert.deepEqual(told['actor'], {
    app_name: 'claude',
    user: { uid: 'https://idp.example#ada', name: 'https://idp.example#ada' },
    session: { uid: 'jti-1' },
  })
  assert.deepEqual(told['src_endpoint'], { ip: '192.0.2.7' })
  assert.deepEqual(told['api'], { operation: 'tools/call write_file', service: { name: 'files' } })
  const signIn = { ...closed, call: undefined, kind: 'sign-in.failed', body: { reason: 'wrong' } }
  assert.deepEqual(
    ['class_uid', 'activity_id', 'status_id'].map(
      (name) => renderer.render('ocsf', signIn, {})[name],
    ),
    [3002, 1, 2],
  )
  const changed = { ...closed, kind: 'definitions.changed', body: { server: 'files' } }
  assert.equal(renderer.render('ocsf', changed, {})['class_uid'], 2004)
})

test('a kind is wanted by its name, or by how it begins', () => {
  for (const good of ['call.closed', 'approval.*', 'sign-in', 'sign-in.failed']) {
    assert.ok(isKindPattern(good), good)
  }
  for (const bad of ['', '*', '.', 'Call', 'call..x', 'call.*.x', 'a b', `a${'.b'.repeat(9)}`]) {
    assert.ok(!isKindPattern(bad), bad)
  }
  const filter = { kinds: ['approval.*', 'revoked'] }
  assert.ok(isKind(filter, 'approval.asked') && isKind(filter, 'revoked') && isKind({}, 'x'))
  assert.ok(!isKind(filter, 'approvals.asked') && !isKind(filter, 'revoked.x'))
})
