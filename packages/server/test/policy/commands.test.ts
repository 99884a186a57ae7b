// The policy commands, on the sets we publish, on mistakes, and on what a ledger recorded.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { POLICY_SCHEMA } from '#policy'
import { makeFolder } from '../stories/house.ts'
import { ask, modern } from '../stories/raw.ts'
import { countersign } from './command.ts'
import { openPolicyHouse } from './policy-house.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const SETS = join(ROOT, 'examples/policies')
const sets = readdirSync(SETS, { withFileTypes: true }).flatMap((one) =>
  one.isDirectory() ? [one.name] : [],
)

describe('the sets to start from', () => {
  it('are all there', () => {
    assert.deepEqual(sets.toSorted(), [
      'approve-destructive',
      'flow',
      'least-privilege',
      'observe-only',
      'office-hours',
      'read-only-agent',
      'two-people',
    ])
  })

  for (const name of sets) {
    it(`${name} has no mistakes, and decides its cases`, async () => {
      const checked = await countersign(SETS, 'policy', 'check', name)
      assert.equal(checked.code, 0, checked.out)
      assert.doesNotMatch(checked.out, /^note:/m)
      const tested = await countersign(SETS, 'policy', 'test', name)
      assert.equal(tested.code, 0, tested.out)
      assert.match(tested.out, /^(\d+) of \1 cases as expected\.$/m)
    })
  }
})

/** The text of each fenced block of a page, by its language and name: ```cedar a.cedar */
function blocksOf(page: string): readonly (readonly [name: string, text: string])[] {
  const found = page.matchAll(/^```[a-z]+ (\S+)\n([^]*?)^```$/gm)
  return [...found].map(([, name = '', text = '']) => [name, text])
}

it('what docs/policy.md shows is right, and decides as it says', async () => {
  using folder = makeFolder()
  const blocks = blocksOf(readFileSync(join(ROOT, 'docs/policy.md'), 'utf8'))
  assert.deepEqual(
    blocks.map(([name]) => name),
    ['tickets.cedar', 'tickets.cases.yaml'],
  )
  for (const [name, text] of blocks) writeFileSync(join(folder.path, name), text)
  const tested = await countersign(folder.path, 'policy', 'test', '.')
  assert.equal(tested.code, 0, `${tested.out}${tested.err}`)
})

it('check says every mistake with its place, as text and as JSON', async () => {
  using folder = makeFolder()
  writeFileSync(join(folder.path, 'a.cedar'), '@id("a") permit(principal, action resource);\n')
  writeFileSync(
    join(folder.path, 'b.cedar'),
    '@id("b") @aks("x") forbid(principal, action, resource);\n',
  )
  const said = await countersign(folder.path, 'policy', 'check', '.')
  assert.equal(said.code, 1)
  assert.match(said.out, /^a\.cedar:1:35 {2}unexpected token/m)
  assert.match(said.out, /^b\.cedar:1:1 {2}b {2}@aks means nothing/m)
  const asJson = await countersign(folder.path, 'policy', 'check', '.', '--json')
  const lines = asJson.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    ['mistake', 'mistake', 'checked'],
  )
  assert.equal(lines[0].column, 35)
  const tested = await countersign(folder.path, 'policy', 'test', '.')
  assert.equal(tested.code, 2)
})

it('test tells which case is wrong, and fails', async () => {
  using folder = makeFolder()
  writeFileSync(join(folder.path, 'a.cedar'), '@id("a") permit(principal, action, resource);')
  const cases = {
    cases: [
      { name: 'x', tool: 'a/b', expect: 'deny' },
      { name: 'y', tool: 'a/b', expect: 'allow', policies: ['other'] },
    ],
  }
  writeFileSync(join(folder.path, 'a.cases.json'), JSON.stringify(cases))
  const said = await countersign(folder.path, 'policy', 'test', '.')
  assert.equal(said.code, 1)
  assert.match(said.out, /x: expected deny, got allow/)
  assert.match(said.out, /y: expected allow by other, got allow by a/)
})

it('explain shows the decision, the rule to its author, and what the agent reads', async () => {
  const said = await countersign(
    SETS,
    'policy',
    'explain',
    'read-only-agent',
    '--tool',
    'tickets/delete',
  )
  assert.equal(said.code, 1)
  assert.match(said.out, /^Decision: deny\. In lists: hidden\./)
  assert.match(said.out, /forbid "read-only" in read-only-agent\.cedar:/)
  assert.match(said.out, /unless \{ context\.effect == "read" \}/)
  assert.match(said.out, /The agent reads:\n {2}Nothing was executed\. The policy "read-only"/)
})

it('the published schema is the one that policies are held against', async () => {
  const { out } = await countersign(ROOT, 'policy', 'schema')
  assert.equal(out, POLICY_SCHEMA)
  assert.equal(readFileSync(join(ROOT, 'packages/server/countersign.cedarschema'), 'utf8'), out)
})

it('simulate lists recorded calls that would be decided otherwise, and counts what it cannot say', async () => {
  await using house = await openPolicyHouse({
    policies: { 'a.cedar': '@id("all") permit(principal, action, resource);' },
  })
  for (const name of ['read_note', 'delete_note', 'delete_note']) {
    await ask(house.at(), modern('tools/call', { params: { name, arguments: { path: '/x' } } }))
  }
  const { config } = house.house
  const path = config.path
  const rest = { listen: { port: 0 }, data: config.data, servers: {} }
  writeFileSync(path, JSON.stringify(rest))
  const folder = join(config.data, 'tried')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'a.cedar'),
    '@id("read") permit(principal, action, resource) when { context.effect == "read" };',
  )
  await house.stop()
  const said = await countersign(
    config.data,
    'policy',
    'simulate',
    folder,
    '--config',
    path,
    '--json',
  )
  assert.equal(said.code, 0, said.err)
  const lines = said.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ kind, what, before, after }) => [kind, what, before, after]),
    [
      ['differs', 'cabinet/delete_note', 'allow', 'deny'],
      ['differs', 'cabinet/delete_note', 'allow', 'deny'],
      ['simulated', undefined, undefined, undefined],
    ],
  )
  writeFileSync(
    join(folder, 'a.cedar'),
    '@id("x") permit(principal, action, resource) when { context.arguments.text.hasTag("path") };',
  )
  const vague = await countersign(config.data, 'policy', 'simulate', folder, '--config', path)
  assert.match(vague.out, /3 recorded calls: 0 would be decided otherwise\.\n3 depend on arguments/)
})

describe('doctor', () => {
  const examined = async (cedar: string | undefined) => {
    using folder = makeFolder()
    const config = join(folder.path, 'countersign.yaml')
    writeFileSync(config, 'listen: { port: 0 }\ndata: ./data\npolicy: { folder: ./policies }\n')
    if (cedar !== undefined) {
      mkdirSync(join(folder.path, 'policies'))
      writeFileSync(join(folder.path, 'policies/all.cedar'), cedar)
    }
    const { code, out } = await countersign(folder.path, 'doctor')
    return { code, line: /^.* policies: .*$/m.exec(out)?.[0] ?? out }
  }

  it('counts the policies of a folder without mistakes', async () => {
    const { code, line } = await examined('@id("all")\npermit (principal, action, resource);')
    assert.match(line, /^ok {4}policies: 1 policy in /)
    assert.equal(code, 0)
  })

  it('fails on a mistake, and on a folder that is not there', async () => {
    const wrong = await examined('permit (principal, action, resource) when { 1 };')
    assert.match(wrong.line, /^FAIL {2}policies: .*all\.cedar/)
    assert.equal(wrong.code, 1)
    const none = await examined(undefined)
    assert.match(none.line, /^FAIL {2}policies: /)
    assert.equal(none.code, 1)
  })
})
