// What is cut up, remembered or asked by a list says what the whole set says, asked afresh.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effect } from '@countersign/contract'
import fc from 'fast-check'
import { loadCedar } from './cedar.ts'
import { makeEngine, type PolicyEngine } from './engine.ts'
import { clockOf } from './moment.ts'
import { parseSet } from './parse-set.ts'
import type { Question } from './question.ts'

const cedar = await loadCedar()
const momentAt = clockOf('Europe/Vienna')
let sets = 0

const SERVERS = ['files', 'mail']
const NAMES = ['read', 'write', 'drop']
const pick = <Value>(...values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values)

const things = SERVERS.flatMap((server) => [
  `resource in Server::"${server}"`,
  `resource is Tool in Server::"${server}"`,
  ...NAMES.map((name) => `resource == Tool::"${server}/${name}"`),
  `resource in Tool::"${server}/drop"`,
  `resource is Tool in Tool::"${server}/drop"`,
])
const scope = fc.record({
  effect: pick('permit', 'forbid', 'forbid'),
  principal: pick(
    'principal',
    'principal is User',
    'principal in Group::"ops"',
    'principal == User::"ada"',
  ),
  action: pick(
    'action',
    'action == Action::"call"',
    'action in Action::"use"',
    'action in [Action::"call", Action::"list"]',
  ),
  resource: pick('resource', 'resource is Tool', ...things),
  ask: pick('', '', '@ask("sre")', '@ask("legal") @quorum("2")'),
})

/** Each looks at something else; together they look at every fact there is. */
const CONDITIONS = [
  'context.effect == "destructive"',
  'context.scopes.contains("mail:write")',
  'context.agents.contains(Agent::"bot")',
  'context.delegation > 1',
  'context.delegation * 9007199254740991 * 9007199254740991 > 0',
  'context.authentication.proof == "dpop"',
  'context.time.hour >= 12',
  'context.time.weekday == "mon"',
  'context.time.at > datetime("2026-11-23T11:00:00Z")',
  'context.view == View::"ops"',
  'context has run && context.run.labels.contains("untrusted")',
  'context.recent.contains("private")',
  'context.labels.contains("outward")',
  'context.found.contains("secret/aws")',
  'context.authentication.amr.contains("otp")',
  'context.authentication has acr && context.authentication.acr == "2"',
  'context.authentication has age && context.authentication.age < 300',
  'context has digest && context.digest == "sha256:1"',
  'context.network has address && context.network.address.isLoopback()',
  'resource in Server::"mail"',
  'resource is Tool && resource.name == "drop"',
  'principal is User && principal.subject == "bob"',
  'principal has issuer',
  'action == Action::"call"',
  'context.arguments.given.contains("force")',
  'context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/tmp/*"',
  'context.arguments.number.hasTag("n") && context.arguments.number.getTag("n") > 10',
  'context.argumentsDigest == "sha256:9"',
  'context has approval && context.approval.people > 1',
] as const
const conditionOf = (pool: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      pick('when', 'unless'),
      fc.array(pick(...pool), { minLength: 1, maxLength: 2 }),
      pick('&&', '||'),
    )
    .map(
      ([kind, parts, join]) => `${kind} { ${parts.map((part) => `(${part})`).join(` ${join} `)} }`,
    )

/** A set about few facts, so that much of it can be remembered; mostly with a permit for everything. */
const policies = fc
  .tuple(
    pick(
      '',
      '@id("all") permit(principal, action, resource);\n',
      '@id("all") permit(principal, action, resource);\n',
    ),
    fc.uniqueArray(pick(...CONDITIONS), { minLength: 1, maxLength: 3 }),
  )
  .chain(([start, pool]) =>
    fc
      .array(fc.tuple(scope, fc.array(conditionOf(pool), { maxLength: 2 })), {
        minLength: 1,
        maxLength: 5,
      })
      .map((all) => start + all.map(written).join('\n')),
  )

function written(
  [{ effect, principal, action, resource, ask }, conditions]: readonly [
    Readonly<Record<'effect' | 'principal' | 'action' | 'resource' | 'ask', string>>,
    readonly string[],
  ],
  at: number,
): string {
  const annotation = effect === 'forbid' ? ask : ''
  return `@id("p${String(at)}") ${annotation} ${effect} (${principal}, ${action}, ${resource}) ${conditions.join(' ')};`
}

const maybe = <Value>(one: fc.Arbitrary<Value>) => fc.option(one, { nil: undefined })
const question: fc.Arbitrary<Question> = fc.record({
  principal: fc.record({
    type: pick('User' as const, 'Workload' as const),
    id: pick('ada', 'bob'),
    subject: pick('ada', 'bob'),
    issuer: maybe(pick('https://idp.example')),
    groups: pick<readonly string[]>([], ['ops']),
  }),
  action: fc.constant('call' as const),
  resource: fc.record({
    type: fc.constant('Tool' as const),
    server: pick(...SERVERS, 'other'),
    name: pick(...NAMES),
  }),
  effect: pick<Effect>('read', 'destructive'),
  digest: maybe(pick('sha256:1', 'sha256:2')),
  view: pick('', 'ops'),
  scopes: pick<readonly string[]>([], ['mail:write'], ['x', 'mail:write']),
  agents: pick<readonly string[]>([], ['bot']),
  delegation: pick(0, 2),
  proof: pick('local', 'dpop'),
  moment: pick(...[8, 9, 11, 12, 15].map((hour) => momentAt(Date.UTC(2026, 10, 23, hour, 30)))),
  address: maybe(pick('127.0.0.1', '10.0.0.1')),
  signIn: maybe(
    fc.record({
      acr: maybe(pick('1', '2')),
      amr: pick<readonly string[]>([], ['otp', 'pwd']),
      ageS: maybe(pick(10, 3_000)),
    }),
  ),
  labels: pick<readonly string[]>([], ['outward']),
  recent: pick<readonly string[]>([], ['private']),
  found: pick<readonly string[]>([], ['secret/aws']),
  run: maybe(fc.record({ id: pick('r'), labels: pick<readonly string[]>([], ['untrusted']) })),
  approval: maybe(
    fc.record({ groups: pick<readonly string[]>(['sre'], ['legal', 'sre']), people: pick(1, 2) }),
  ),
  arguments: pick({}, { force: true }, { path: '/tmp/x', n: 11 }, { path: '/etc/x', n: 3 }),
  argumentsDigest: pick('sha256:8', 'sha256:9'),
})

/** Undefined for what the schema does not let through: such a set is never in force. */
function engineOf(text: string): PolicyEngine | undefined {
  const parsed = parseSet(cedar, [{ name: 'a.cedar', text }])
  if (parsed.mistakes.length > 0) return undefined
  return makeEngine(cedar, `agreement ${String(sets++)}`, parsed.policies)
}

function forAll(check: (engine: PolicyEngine, asked: readonly Question[]) => void): void {
  let accepted = 0
  const property = fc.property(
    policies,
    fc.array(question, { minLength: 1, maxLength: 24 }),
    (text, asked) => {
      const engine = engineOf(text)
      if (!engine) return
      accepted++
      check(engine, asked)
      engine.release()
    },
  )
  fc.assert(property, { numRuns: 120 })
  assert.ok(accepted > 80, `only ${String(accepted)} sets were right`)
}

// PO-010, PO-011
test('a slice, and what is remembered of it, decide as the whole set does', () => {
  let remembered = 0
  forAll((engine, asked) => {
    for (const one of [...asked, ...asked]) {
      const decided = engine.judge(one)
      if (engine.judge(one) === decided) remembered++
      const { kind, policies: by, ...rest } = decided
      assert.deepEqual({ kind, policies: by, ...rest }, engine.judgeAfresh(one))
    }
  })
  assert.ok(remembered > 50, `only ${String(remembered)} were remembered`)
})

// PO-009
test('what may be called or asked for is listed, and what looks at no argument is listed only then', () => {
  let hidden = 0
  forAll((engine, asked) => {
    const looks = engine.policies.some(({ text }) =>
      /arguments|"list"|context has run|recent|found/.test(text),
    )
    const namesList = engine.policies.some(({ text }) => text.includes('"list"'))
    for (const given of asked) {
      const { approval: _later, ...one } = given
      const isCallable = engine.judgeAfresh(one).kind !== 'deny'
      const { arguments: _none, argumentsDigest: _neither, ...most } = one
      const { run: _run, recent: _recent, found: _found, ...line } = most
      const isListed = engine.isListed(line)
      assert.equal(engine.isListed(line), isListed)
      if (!isListed) hidden++
      if (isCallable && !namesList) assert.ok(isListed)
      if (!looks) assert.equal(isListed, isCallable)
    }
  })
  assert.ok(hidden > 50)
})

// PO-009: the arguments come first, so no call of others ever overflows.
test('a policy that fails only where lists do not know the arguments hides nothing that may be called', () => {
  const text = `@id("all") permit (principal, action, resource);
    @id("some") permit (principal, action, resource) when {
      context.arguments.text.hasTag("path") &&
      context.delegation * 9007199254740991 * 9007199254740991 > 0
    };`
  const engine = engineOf(text)
  assert.ok(engine)
  const [one] = fc.sample(question, 1)
  assert.ok(one)
  const { approval: _none, ...asked } = { ...one, delegation: 2, arguments: {} }
  assert.equal(engine.judgeAfresh(asked).kind, 'allow')
  const { arguments: _later, argumentsDigest: _neither, ...line } = asked
  assert.equal(engine.isListed(line), true)
  engine.release()
})
