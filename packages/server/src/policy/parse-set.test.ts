import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCedar } from './cedar.ts'
import { parseSet } from './parse-set.ts'

const cedar = await loadCedar()

test('the schema itself is right', () => {
  assert.deepEqual(parseSet(cedar, []).mistakes, [])
})

// PO-014
test('all mistakes of all files are said at once, with line and column', () => {
  const { mistakes } = parseSet(cedar, [
    {
      name: 'a.cedar',
      text: `// é
@id("one") permit(principal, action, resource) when { principal.foo == 1 };
@id("two") permit(principal, action resource);
permit(principal, action, resource);
`,
    },
    {
      name: 'b.cedar',
      text: `@id("one") permit(principal, action, resource);
@id("three") forbid(principal, action == Action::"cal", resource);
  @id("four") @mesage("x") forbid(principal, action, resource);
@id("five") @ask("sre") permit(principal, action, resource);
@id("six") permit(principal, action`,
    },
  ])
  const said = mistakes.map(
    ({ file, line, column, problem }) => `${file}:${line}:${column} ${problem}`,
  )
  assert.deepEqual(said, [
    'a.cedar:2:55 attribute `foo` on entity type `Agent` not found',
    'a.cedar:3:37 unexpected token `resource`',
    'a.cedar:4:1 it has no @id',
    'b.cedar:1:1 there is a policy of this id in a.cedar:2',
    'b.cedar:2:42 unrecognized action `Action::"cal"`',
    'b.cedar:3:3 @mesage means nothing',
    'b.cedar:4:1 @ask, @quorum, @escalate and @message on a permit',
    'b.cedar:5:36 unexpected end of input',
  ])
})

// PO-015
test('text that would break the parser never reaches it', () => {
  const nested = `@id("deep") permit(principal, action, resource) when { ${'('.repeat(3_000)}1${')'.repeat(3_000)} == 1 };`
  const long = `@id("long") permit(principal, action, resource) when { ${Array.from({ length: 3_000 }, () => 'true').join(' && ')} };`
  const open = `@id("open") permit(principal, action, resource) when { "never closed };`
  const { mistakes } = parseSet(cedar, [{ name: 'x.cedar', text: `${nested}\n${long}\n${open}` }])
  assert.deepEqual(
    mistakes.map(({ line }) => line),
    [1, 2, 3],
  )
  const fine = parseSet(cedar, [
    { name: 'x.cedar', text: '@id("a") permit(principal, action, resource);' },
  ])
  assert.equal(fine.policies.length, 1)
})

test('the longest text that is let through does the parser no harm', () => {
  const chain = (operator: string, count: number): string =>
    `@id("x") permit(principal, action, resource) when { ${Array.from({ length: count }, () => 'true').join(operator)} };`
  for (const text of [
    chain(' && ', 980),
    chain(' || ', 980),
    `@id("x") permit(principal, action, resource) when { ${'('.repeat(38)}true${')'.repeat(38)} };`,
    `@id("x") permit(principal, action, resource) when { ${'if true then true else '.repeat(380)} true };`,
    `@id("x") permit(principal, action, resource) when { context${'.a'.repeat(900)} == 1 };`,
    `@id("x") permit(principal, action, resource) when { ${'!'.repeat(1_900)}true };`,
    `@id("x") permit(principal, action, resource) when { 1 ${'+ 1 '.repeat(900)} == 1 };`,
  ]) {
    parseSet(cedar, [{ name: 'x.cedar', text }])
  }
  const fine = parseSet(cedar, [{ name: 'x.cedar', text: chain(' && ', 2) }])
  assert.deepEqual(fine.mistakes, [])
})

test('a policy about what nothing asks about yet is remarked on', () => {
  const text = '@id("a") permit(principal, action == Action::"admit", resource);'
  const { mistakes, remarks } = parseSet(cedar, [{ name: 'a.cedar', text }])
  assert.deepEqual(mistakes, [])
  assert.match(remarks[0]?.problem ?? '', /nothing asks about admit yet/)
})

test('a number that JSON cannot hold is refused, not changed', () => {
  const text =
    '@id("a") permit(principal, action, resource) when { context.delegation < 9007199254740993 };'
  assert.match(
    parseSet(cedar, [{ name: 'a.cedar', text }]).mistakes[0]?.problem ?? '',
    /a number beyond/,
  )
})

test('templates are refused', () => {
  const text = '@id("a") permit(principal == ?principal, action, resource);'
  assert.equal(parseSet(cedar, [{ name: 'a.cedar', text }]).mistakes.length, 1)
})
