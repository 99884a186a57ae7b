// Policies that are kept in the store: versions, who changed them, and one set in force on every node.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { localAuthenticator } from '#auth'
import { systemWorld } from '#base'
import { openPolicy, type Judged, type LivePolicy } from '#policy'
import { openStore, RECORD_TABLES, storeRecords, type Records } from '#store'
import { silentLog } from '#telemetry'
import { until } from '../stories/house.ts'
import { ask, modern } from '../stories/raw.ts'
import { countersign, type Said } from './command.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const ALL = '@id("all") permit(principal, action, resource);\n'
const NO_WIPE = '@id("no-wipe") forbid(principal, action, resource == Tool::"cabinet/wipe");\n'
const NOBODY_WIPES = `cases:
  - name: nobody wipes
    tool: cabinet/wipe
    expect: deny
`
const DENIED = /The policy \\"no-wipe\\" does not allow it/

let house: PolicyHouse
before(async () => {
  house = await openPolicyHouse({ policies: { 'a.cedar': ALL }, source: 'admin' })
})
after(async () => {
  await house[Symbol.asyncDispose]()
})

const wipe = async (): Promise<string> =>
  (await ask(house.at(), modern('tools/call', { params: { name: 'wipe', arguments: {} } }))).text

/** A folder beside the house, with these files. */
function written(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(house.folder, name)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

const policy = (...args: readonly string[]): Promise<Said> =>
  countersign(house.folder, 'policy', ...args, '-c', house.house.config.path)

describe('a set in the store', () => {
  it('begins with the folder, which is not looked at any more', async () => {
    assert.doesNotMatch(await wipe(), DENIED)
    house.write('b.cedar', NO_WIPE)
    const listed = await policy('versions')
    assert.match(
      listed.out,
      /^VERSION +SINCE +POLICIES +CHANGE +AUTHOR +WHY\n1 \* +\S+ +1 +\+1 +unknown$/m,
    )
    assert.doesNotMatch(await wipe(), DENIED)
  })

  it('is changed as a whole, with author, reason and what differs, and is in force at once', async () => {
    // PV-001
    const folder = written('next', {
      'a.cedar': ALL,
      'b.cedar': NO_WIPE,
      'b.cases.yaml': NOBODY_WIPES,
    })
    const said = await policy(
      'apply',
      folder,
      '--author',
      'ada',
      '-r',
      'wiping is over',
      '--expect',
      '1',
    )
    assert.equal(said.code, 0, said.err)
    assert.equal(said.out, 'Version 2 is in force.\n+ no-wipe\n')
    assert.match(await wipe(), DENIED)
    const {
      at: _at,
      digest,
      ...noted
    } = { at: 0, digest: '', ...(await house.entries('policy.changed')).at(-1)?.body }
    assert.match(digest, /^sha256:/)
    const { before: earlier, ...rest } = noted as Readonly<Record<string, unknown>>
    assert.equal((earlier as { version: number }).version, 1)
    assert.deepEqual(rest, {
      version: 2,
      policies: 2,
      added: ['no-wipe'],
      removed: [],
      changed: [],
      author: 'ada',
      source: 'admin',
      reason: 'wiping is over',
      by: 'operator',
    })
    const again = await policy('apply', folder)
    assert.match(again.out, /^Version 2 is in force\./)
    assert.equal((await house.entries('policy.changed')).length, 2)
  })

  it('that is wrong changes nothing: mistakes are said with line and column', async () => {
    // PV-002
    const folder = written('wrong', {
      'a.cedar': `${ALL}\n@id("x") permit(principal, acton, resource);`,
    })
    const said = await policy('apply', folder)
    assert.equal(said.code, 2)
    assert.match(
      said.err,
      /1 mistake in the policies of this set, which changed nothing:\na\.cedar:3:\d+/,
    )
    assert.match(await wipe(), DENIED)
    const rejected = (await house.entries('policy.rejected')).at(-1)?.body
    assert.deepEqual([rejected?.['inForce'], rejected?.['mistakes']], [2, 1])
  })

  it('whose cases do not come out changes nothing, unless it is forced', async () => {
    // PV-002
    const folder = written('untrue', { 'a.cedar': ALL, 'b.cases.yaml': NOBODY_WIPES })
    const said = await policy('apply', folder)
    assert.equal(said.code, 2)
    assert.match(
      said.err,
      /1 of 1 cases do not come out; nothing was changed:\nb\.cases\.yaml {2}nobody wipes: expected deny, got allow/,
    )
    assert.match(await wipe(), DENIED)
    const forced = await policy('apply', folder, '--force', '-r', 'in a hurry')
    assert.equal(forced.out, 'Version 3 is in force.\n- no-wipe\n')
    assert.doesNotMatch(await wipe(), DENIED)
  })

  it('is compared with another, printed, and comes back as a new version', async () => {
    // PV-003
    const differ = await policy('diff', '2', '3')
    assert.equal(differ.out, `- ${NO_WIPE.trim()}\n`)
    assert.match(
      (await policy('show', '2')).out,
      /^\/\/ a\.cedar\n@id\("all"\)[^]*\/\/ b\.cedar\n@id\("no-wipe"\)/,
    )
    const back = await policy('rollback', '2')
    assert.equal(back.out, 'Version 4 is in force.\n+ no-wipe\n')
    assert.match(await wipe(), DENIED)
    assert.match((await policy('versions')).out, /^4 \* .*back to version 2$/m)
    const none = await policy('rollback', '99')
    assert.match(none.err, /There is no version 99/)
  })

  it('that somebody else has changed meanwhile is not overwritten', async () => {
    // PV-004
    const { admin } = house.house
    const change = (id: string) => ({
      files: [{ name: 'a.cedar', text: `${ALL}@id("${id}") permit(principal, action, resource);` }],
      expect: 4,
    })
    const applied = await Promise.allSettled(
      ['one', 'two', 'three'].map((id) => admin.applyPolicies(change(id))),
    )
    assert.deepEqual(
      applied.map((one) => (one.status === 'fulfilled' ? one.value.number : one.reason.code)),
      [5, 'policy/conflict', 'policy/conflict'],
    )
    const late = await policy('rollback', '2', '--expect', '4')
    assert.match(late.err, /Version 5 is in force, and not 4\. Nothing was changed/)
  })
})

it('a house whose policies are a folder has versions too, and says where to change them', async () => {
  await using other = await openPolicyHouse({ policies: { 'a.cedar': ALL } })
  const [only] = await other.house.admin.listPolicyVersions({})
  assert.deepEqual(
    [only?.number, only?.source, only?.author, only?.isInForce],
    [1, 'folder', 'unknown', true],
  )
  await assert.rejects(
    other.house.admin.applyPolicies({ files: [] }),
    /change them there, or set policy\.source: admin/,
  )
})

describe('on two nodes that share their records', () => {
  const judged: Judged = {
    server: 'cabinet',
    method: 'tools/call',
    kind: 'tool',
    name: 'wipe',
    effect: 'destructive',
    digest: undefined,
  }
  const who = localAuthenticator(undefined)
  const kindOf = (node: LivePolicy): string => node.decide(who, judged, { view: '' }).kind

  interface Nodes {
    readonly records: Records
    readonly noted: unknown[]
    readonly open: (text: string, source?: 'folder' | 'admin') => Promise<LivePolicy>
    readonly folderOf: (node: LivePolicy) => string
  }
  function shared(context: TestContext): Nodes {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-versions-'))
    const store = openStore(join(folder, 'x.db'), [RECORD_TABLES])
    const nodes: LivePolicy[] = []
    const folders = new Map<LivePolicy, string>()
    context.after(() => {
      for (const node of nodes) node.close()
      store.close()
      rmSync(folder, { recursive: true })
    })
    const records = storeRecords(systemWorld, store)
    const noted: unknown[] = []
    const note = async (_kind: string, body: unknown): Promise<void> => void noted.push(body)
    const open = async (
      text: string,
      source: 'folder' | 'admin' = 'admin',
    ): Promise<LivePolicy> => {
      const own = mkdtempSync(join(folder, 'node-'))
      writeFileSync(join(own, 'a.cedar'), text)
      const approvals = { ...house.house.config.policy?.approvals } as never
      const settings = { folder: own, source, timeZone: 'UTC', groups: {}, approvals }
      const rooms = {
        world: systemWorld,
        log: silentLog,
        records,
        isShared: true,
        ledger: { note },
      }
      const node = await openPolicy(rooms, settings)
      nodes.push(node)
      folders.set(node, own)
      return node
    }
    return { records, noted, open, folderOf: (node) => folders.get(node) ?? '' }
  }
  const proposed = (text: string) => ({
    files: [{ name: 'a.cedar', text }],
    cases: [],
    isForced: false,
    author: 'ada',
  })

  it('what one puts in force decides on the other within a second, also what it had remembered', async (context) => {
    // PV-005
    const { noted, open } = shared(context)
    const [here, there] = [await open(ALL), await open(NO_WIPE)]
    assert.equal(there.inForce().number, 1)
    for (let at = 0; at < 3; at++) assert.equal(kindOf(there), 'allow')
    await here.apply(proposed(ALL + NO_WIPE))
    assert.equal(kindOf(here), 'deny')
    await until('it decides there too', () => kindOf(there) === 'deny' || undefined)
    assert.equal(there.inForce().digest, here.inForce().digest)
    await there.apply(proposed(ALL))
    await until('and back', () => kindOf(here) === 'allow' || undefined)
    assert.deepEqual([here.inForce().number, noted.length], [3, 3])
  })

  it('of changes at one moment each is a version, and the last is in force on both', async (context) => {
    // PV-004
    const { noted, open } = shared(context)
    const nodes = [await open(ALL), await open(ALL)]
    const changes = Array.from({ length: 8 }, async (_, at) =>
      nodes[at % 2]?.apply(
        proposed(`${ALL}@id("p${String(at)}") permit(principal, action, resource);`),
      ),
    )
    const numbers = (await Promise.all(changes)).map((one) => one?.number)
    assert.equal(new Set(numbers).size, 8)
    await until(
      'both have the last',
      () => nodes.every((one) => one.inForce().number === 9) || undefined,
    )
    assert.equal(noted.length, 9)
  })

  it('a node that starts with an older folder does not undo what others have', async (context) => {
    const { noted, open } = shared(context)
    const old = await open(ALL, 'folder')
    const next = await open(ALL + NO_WIPE, 'folder')
    const late = await open(ALL, 'folder')
    assert.deepEqual(
      [old, next, late].map((one) => one.inForce().number),
      [1, 2, 1],
    )
    assert.equal(noted.length, 2)
  })

  it('a folder that is put back to an older set while a node runs is a change like any', async (context) => {
    const { noted, open, folderOf } = shared(context)
    const node = await open(ALL, 'folder')
    const change = async (text: string, number: number): Promise<void> => {
      writeFileSync(join(folderOf(node), 'a.cedar'), text)
      await until('it is in force', () => node.inForce().number === number || undefined)
    }
    await change(ALL + NO_WIPE, 2)
    assert.equal(kindOf(node), 'deny')
    await change(ALL, 3)
    assert.equal(kindOf(node), 'allow')
    assert.deepEqual(
      noted.map((one) => (one as { version: number }).version),
      [1, 2, 3],
    )
  })

  it('a change that a crash kept out of the ledger is told at the next start', async (context) => {
    const { records, noted, open } = shared(context)
    await open(ALL, 'folder')
    for (const { id } of await records.list('PolicyVersionNoted', { limit: 10 })) {
      await records.remove('PolicyVersionNoted', id)
    }
    await open(ALL, 'folder')
    assert.equal(noted.length, 2)
    assert.deepEqual(noted[0], noted[1])
    await open(ALL, 'folder')
    assert.equal(noted.length, 2)
  })
})

it('whom a policy keeps from deciding has no say, though in the group that is asked', async () => {
  // PV-006
  const text = `${ALL}
    @id("ask") @ask("sre") forbid(principal, action == Action::"call", resource == Tool::"cabinet/wipe");
    @id("not-alone") @message("Whoever runs the house wipes nothing")
    forbid(principal == User::"operator", action == Action::"approve", resource in Server::"cabinet");`
  const groups = { sre: ['operator', 'https://idp.example#grace'] }
  await using asking = await openPolicyHouse({ policies: { 'a.cedar': text }, groups })
  const { admin } = asking.house
  const hanging = ask(
    asking.at(),
    modern('tools/call', { params: { name: 'wipe', arguments: {} } }),
  )
  const open = await until('it is asked', async () => (await admin.listApprovals({}))[0])
  await assert.rejects(admin.decideApproval({ id: open.id, verdict: 'approve' }), {
    code: 'approval/not-yours',
    message:
      'The policy "not-alone" keeps operator from deciding about this call: Whoever runs the house wipes nothing.',
  })
  assert.equal((await admin.getApproval({ id: open.id })).state, 'open')
  await admin.cancelTask({ id: open.task })
  await hanging
  assert.deepEqual(asking.effects(), [])
})

it('the commands that docs/policy.md shows do what it says', async () => {
  const page = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8')
  const [, block = ''] = /^```console\n(\$ countersign policy apply [^]*?)^```$/m.exec(page) ?? []
  await using shown = await openPolicyHouse({ policies: { 'a.cedar': ALL }, source: 'admin' })
  shown.write('b.cedar', NO_WIPE)
  const steps = block.split(/^\$ countersign /m).slice(1)
  assert.equal(steps.length, 4)
  for (const step of steps) {
    const [line = '', ...rest] = step.split('\n')
    const words = line.replace(/ +#.*$/, '').match(/"[^"]*"|\S+/g) ?? []
    const argv = words.map((one) => one.replaceAll('"', ''))
    const said = await countersign(shown.folder, ...argv, '-c', shown.house.config.path)
    assert.equal(said.code, 0, said.err)
    const expected = rest.join('\n')
    if (expected !== '') assert.equal(said.out, expected)
  }
  assert.equal((await shown.house.admin.listPolicyVersions({}))[0]?.number, 3)
})
