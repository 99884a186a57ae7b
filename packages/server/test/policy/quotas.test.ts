// Limits in front of real servers: what agents of both eras are told, what is written down, what is kept.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { META } from '@countersign/contract'
import { parseConfig } from '#config'
import { systemWorld } from '#base'
import { exhausted } from '../../src/policy/limits/quota-words.ts'
import { ask, envelope, legacy, modern, rpc, session, type Answer } from '../stories/raw.ts'
import { countersign } from './command.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const QUOTAS = [
  { name: 'wipes', match: { tool: 'cabinet/wipe' }, budget: { calls: 2, per: 'day' } },
  { name: 'reads', of: 'tool', match: { effect: 'read' }, rate: { calls: 2, per: '1 h' } },
  { name: 'prompts', match: { tool: 'cabinet/greeting' }, rate: { calls: 1, per: '1 min' } },
  { name: 'gone', match: { server: 'gone' }, budget: { calls: 1, per: '6 h' } },
  { name: 'robots', match: { client: 'robot' }, rate: { calls: 1, per: '1 h' } },
  { name: 'deletes', match: { tool: 'cabinet/delete_note' }, rate: { calls: 1, per: '1 min' } },
]
const POLICIES = { 'a.cedar': '@id("all") permit(principal, action, resource);' }
const UNREACHABLE = { url: 'http://127.0.0.1:9/mcp', start: 'demand' }

let house: PolicyHouse
before(async () => {
  house = await openPolicyHouse({
    policies: POLICIES,
    quotas: QUOTAS,
    servers: { gone: UNREACHABLE },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
})

const call = (name: string, view = 'cabinet'): Promise<Answer> =>
  ask(house.at(view), modern('tools/call', { params: { name, arguments: {} } }))

const wipes = (): number => house.effects().filter((one) => one === 'wipe').length

function isExhausted({ status, json, text }: Answer, limit: string, words: RegExp): void {
  assert.equal(status, 200)
  assert.equal(json.result?.isError, true, text)
  const [{ text: said }] = json.result.content
  assert.match(
    said,
    new RegExp(`^Nothing was executed\\. The limit "${limit}" is used up: it allows `),
  )
  assert.match(said, words)
}

describe('a limit that is used up', () => {
  it('is a result for the agent: which one, until when, what to do; and nothing is executed', async () => {
    // QU-004
    for (let at = 0; at < 2; at++) assert.equal((await call('wipe')).json.result.isError, undefined)
    const refused = await call('wipe')
    isExhausted(
      refused,
      'wipes',
      /it allows 2 calls a day\. Retrying before \d{4}-\d\d-\d\dT00:00:00\.000Z \(in \d+ \w+\) will not change it\. (?:Tell the user, and go on without it|Wait until then, and call again)\.\n$/,
    )
    const { quota, retryAt, retryAfterMs } = refused.json.result._meta['dev.countersign/quota']
    assert.equal(quota, 'wipes')
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 86_400_000)
    assert.equal(new Date(retryAt).toISOString(), retryAt)
    assert.equal(wipes(), 2)
  })

  it('is refused in the ledger, with its name', async () => {
    const closed = (await house.entries('call.closed')).at(-1)?.body
    assert.deepEqual(
      [closed?.['outcome'], closed?.['reason'], closed?.['quota']],
      ['refused', 'quota/exhausted', 'wipes'],
    )
  })

  it('is the same for a client of the older era', async () => {
    const headers = await session(house.at())
    const asked = rpc('tools/call', { name: 'wipe', arguments: {} })
    isExhausted(await ask(house.at(), legacy(asked, headers)), 'wipes', /2 calls a day/)
    assert.equal(wipes(), 2)
  })

  it('is an error with 429 and Retry-After where there is no tool to answer for', async () => {
    const prompt = () => ask(house.at(), modern('prompts/get', { params: { name: 'greeting' } }))
    assert.equal((await prompt()).status, 200)
    const { status, headers, json } = await prompt()
    assert.equal(status, 429)
    assert.equal(json.error.code, 10_429)
    assert.equal(json.error.data.quota, 'prompts')
    const seconds = Number(headers['retry-after'])
    assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60)
    assert.ok(seconds * 1_000 >= json.error.data.retryAfterMs)
  })

  it('is of one tool alone where each is counted by itself', async () => {
    for (let at = 0; at < 2; at++) assert.ok((await call('read_note')).json.result.content)
    isExhausted(
      await call('read_note'),
      'reads',
      /it allows 2 calls in 1 hour, and 2 at one moment/,
    )
    const read = { params: { uri: 'note://public' } }
    assert.equal((await ask(house.at(), modern('resources/read', read))).status, 200)
  })
})

it('what did not leave for its server costs nothing', async () => {
  // QU-001
  for (let at = 0; at < 3; at++) {
    const { json } = await call('anything', 'gone')
    assert.doesNotMatch(JSON.stringify(json), /used up/)
  }
  const [line] = (await house.house.admin.listQuotas({})).filter(({ quota }) => quota === 'gone')
  assert.ok(line === undefined || line.left === 1)
})

describe('whoever keeps the house', () => {
  const admin = (): PolicyHouse['house']['admin'] => house.house.admin

  it('sees what is left', async () => {
    const lines = await admin().listQuotas({})
    const wiped = lines.find(({ quota }) => quota === 'wipes')
    assert.deepEqual([wiped?.limit, wiped?.max, wiped?.left, wiped?.key], ['budget', 2, 0, {}])
    const reads = lines.filter(({ quota }) => quota === 'reads').map(({ key, left }) => [key, left])
    assert.deepEqual(reads, [
      [{ tool: 'cabinet/greeting' }, 1],
      [{ tool: 'cabinet/read_note' }, 0],
      [{ tool: 'cabinet/note://public' }, 1],
    ])
  })

  it('has it count anew, which is an entry before it is so', async () => {
    // QU-006
    const forgotten = await admin().resetQuota({ quota: 'wipes', reason: 'the job was repeated' })
    assert.equal(forgotten.length, 1)
    const noted = (await house.entries('quota.reset')).at(-1)?.body
    assert.deepEqual(noted, {
      quota: 'wipes',
      counters: 1,
      reason: 'the job was repeated',
      by: 'operator',
    })
    assert.ok((await call('wipe')).json.result.content)
    assert.equal(wipes(), 3)
    await assert.rejects(admin().resetQuota({ quota: 'wipe', reason: 'a typo' }), /no limit "wipe"/)
  })

  it('does both by commands, with reasons', async () => {
    const file = house.house.config.path
    const listed = await countersign(house.folder, 'quotas', '--config', file)
    assert.match(listed.out, /^LIMIT +KIND +OF +LEFT +ANEW$/m)
    assert.match(listed.out, /^reads +rate +tool=cabinet\/read_note +0 of 2$/m)
    const nothing = await countersign(house.folder, 'quotas', '--reset', 'reads', '--config', file)
    assert.equal(nothing.code, 2)
    assert.match(nothing.err, /--reset NAME --reason WHY/)
    const args = ['--reset', 'reads', '--of', 'tool=cabinet/read_note', '--reason', 'x', '-c', file]
    const reset = await countersign(house.folder, 'quotas', ...args)
    assert.equal(reset.code, 0, reset.err)
    assert.match(reset.out, /reads counts anew\. It had counted:\nLIMIT/)
    assert.ok((await call('read_note')).json.result.content)
  })
})

it('a client without a token is limited by its name, whatever its version', async () => {
  const by = (version: string): Promise<Answer> => {
    const meta = envelope({ [META.clientInfo]: { name: 'robot', version } })
    return ask(house.at(), modern('tools/call', { params: { name: 'write_note' }, meta }))
  }
  assert.doesNotMatch((await by('1.0')).text, /used up/)
  assert.match((await by('1.1')).text, /The limit \\"robots\\" is used up/)
})

it('64 callers at one moment get what there is, and no more', async () => {
  const earlier = house.effects().filter((one) => one === 'delete_note').length
  const asked = await Promise.all(Array.from({ length: 64 }, () => call('delete_note')))
  const refused = asked.filter(({ text }) => text.includes('used up'))
  const done = house.effects().filter((one) => one === 'delete_note').length - earlier
  assert.deepEqual([refused.length, done], [63, 1])
})

it('every mistake of the configuration is said, with what was meant', () => {
  const quotas = [
    { name: 'one', match: { server: 'cabinte' }, atOnce: 1 },
    { name: 'one', match: { tool: 'wipe', view: 'x', group: 'sre' } },
    { name: 'zone', budget: { calls: 1, per: 'day', timeZone: 'Mars/Base' } },
  ]
  const text = JSON.stringify({ servers: { cabinet: { command: 'x' } }, quotas })
  assert.throws(
    () => parseConfig({ world: systemWorld, text, path: '/c.json' }),
    ({ message }: Error) => {
      for (const said of [
        /quotas\[0\]\.match\.server {2}there is no server cabinte {2}\(did you mean cabinet\?\)/,
        /quotas\[1\]\.name {2}there are two called one/,
        /quotas\[1\] {2}limits nothing/,
        /quotas\[1\]\.match\.tool {2}a tool without its server/,
        /quotas\[1\]\.match\.view {2}there is no view x/,
        /quotas\[1\]\.match\.group {2}there is no group sre/,
        /quotas\[2\]\.budget\.timeZone {2}no time zone/,
      ]) {
        assert.match(message, said)
      }
      return true
    },
  )
})

it('what docs/limits.md shows can be written, is said so, and its commands work', async () => {
  const page = readFileSync(new URL('../../../../docs/limits.md', import.meta.url), 'utf8')
  const [, yaml = ''] = /^ *```yaml\n([^]*?)^ *```$/m.exec(page) ?? []
  const groups = "policy: { folder: p, groups: { support: ['local'] } }"
  const text = `${yaml.replaceAll(/^ {3}/gm, '')}\nservers: { mail: { command: x } }\n${groups}\n`
  const { quotas } = parseConfig({ world: systemWorld, text, path: '/c.yaml' })
  assert.deepEqual(
    quotas.map(({ name }) => name),
    ['nightly-job', 'steady', 'mail', 'destructive'],
  )
  const [nightly] = quotas
  assert.ok(nightly?.budget)
  const words = `${String(nightly.budget.calls)} calls a day`
  const now = Date.parse('2026-11-23T10:00:00Z')
  const said = exhausted({ name: nightly.name, words, againMs: 13 * 3_600_000, now })
  assert.ok(page.replaceAll(/\n> /g, ' ').includes(said.message))
  const mail = { ...QUOTAS[0], name: 'mail', of: 'principal' }
  await using other = await openPolicyHouse({ policies: POLICIES, quotas: [mail] })
  await ask(other.at(), modern('tools/call', { params: { name: 'wipe', arguments: {} } }))
  const [, shown = ''] = /^ *```console session\n([^]*?)^ *```$/m.exec(page) ?? []
  const lines = shown.trim().split('\n')
  assert.equal(lines.length, 2)
  for (const line of lines) {
    const [program, ...argv] = (
      line
        .trim()
        .slice(2)
        .match(/"[^"]*"|\S+/g) ?? []
    ).map((one) => one.replaceAll('"', ''))
    assert.equal(program, 'countersign')
    const { code, out, err } = await countersign(
      other.folder,
      ...argv,
      '-c',
      other.house.config.path,
    )
    assert.equal(code, 0, err)
    assert.match(out, /^mail +budget +principal=local +1 of 2 /m)
  }
})
