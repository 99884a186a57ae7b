// "Nobody sends mail in a run that has read the open web without being asked": the set to start from, in
// front of real servers, as clients of both eras meet it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { connectV1, connectV2, textOf, type Loose, type Peer } from '../stories/clients.ts'
import { until } from '../stories/house.ts'
import { ask, envelope, modern, type Answer } from '../stories/raw.ts'
import { openFlowHouse, type FlowHouse } from './flow-house.ts'

const SET = new URL('../../../../examples/policies/flow/flow.cedar', import.meta.url)
const LABELS = { web: ['untrusted', 'outward'], crm: ['private'], mail: [] }

const openHouse = (policies: string): Promise<FlowHouse> =>
  openFlowHouse({
    files: { 'policies/flow.cedar': policies },
    config: ({ web, crm, mail }) => ({
      servers: {
        web: { ...web, labels: LABELS.web },
        crm: { ...crm, labels: LABELS.crm },
        mail: { ...mail, tools: { send: { labels: ['outward'] } } },
      },
      policy: { folder: 'policies', groups: { security: ['operator'] } },
    }),
  })

const ERAS = {
  modern: (url: URL) => connectV2({ url }, 'pinned'),
  legacy: (url: URL) => connectV1({ url }),
} as const

for (const [era, connect] of Object.entries(ERAS)) {
  describe(`a ${era} client`, () => {
    let flow: FlowHouse
    let peer: Peer
    before(async () => {
      flow = await openHouse(readFileSync(SET, 'utf8'))
      peer = await connect(flow.url())
    })
    after(async () => {
      await peer.close()
      await flow[Symbol.asyncDispose]()
    })
    const sent = () => flow.effects().filter((line) => line.startsWith('mail/send')).length

    it('sends mail while it has read nothing of strangers', async () => {
      assert.equal(textOf(await peer.call('mail_send', { to: 'ada' })), 'send done')
      assert.equal(textOf(await peer.call('crm_find')), 'find done')
      assert.equal(textOf(await peer.call('mail_send', { to: 'bob' })), 'send done')
      assert.equal(sent(), 2)
    })

    // PO-061, PO-062
    it('is asked once it has read the open web, and what it wants to send waits', async () => {
      assert.equal(textOf(await peer.call('web_fetch')), 'fetch done')
      const said = textOf(await peer.call('mail_send', { to: 'eve' }))
      assert.match(said, /^Waiting for approval\. Nothing has been executed yet\./)
      assert.match(said, /all-three|both read lately|Strangers' words/)
      assert.equal(sent(), 2)
      const opened = (await flow.entries('call.opened')).at(-1)
      assert.deepEqual(opened?.body['flow'], {
        labels: ['outward'],
        run: ['outward', 'private', 'untrusted'],
        recent: ['outward', 'private', 'untrusted'],
      })
      assert.match(String(opened?.body['run']), /^client:story/)
      const grown = await flow.entries('run.labelled')
      assert.deepEqual(
        grown.map(({ body }) => body['labels']),
        [['outward'], ['private'], ['untrusted']],
      )
    })

    // PO-009
    it('is still shown what it may ask for', async () => {
      const names = (await peer.tools()).map(({ name }) => name)
      assert.ok(names.includes('mail_send'))
    })

    // PO-063
    it('is asked after a restart too: what was read is not forgotten', async () => {
      await peer.close()
      await flow.reopen()
      peer = await connect(flow.url())
      assert.match(textOf(await peer.call('mail_send', { to: 'mallory' })), /^Waiting for approval/)
      assert.equal(sent(), 2)
    })

    it('has its mail sent when somebody has looked at it', async () => {
      const { admin } = flow.house()
      const open = await admin.listApprovals({ states: 'open' })
      const [one] = open
      assert.ok(one)
      await admin.decideApproval({ id: one.id, verdict: 'approve' })
      await until('the mail is sent', () => sent() === 3 || undefined)
    })
  })
}

describe('a run', () => {
  let flow: FlowHouse
  before(async () => {
    flow = await openHouse(readFileSync(SET, 'utf8'))
  })
  after(() => flow[Symbol.asyncDispose]())

  const called = async (name: string, args: Loose, run?: string): Promise<Answer> => {
    const meta = envelope(run === undefined ? {} : { 'dev.countersign/run': run })
    return ask(flow.url(), modern('tools/call', { params: { name, arguments: args }, meta }))
  }
  const wordsIn = ({ json }: Answer): string => json.result.content[0].text

  // PO-063, PO-067: what left counts, whether or not it was answered.
  it('that is still reading the web is asked before it sends', async () => {
    const reading = called('web_fetch', { to: 'wait' }, 'busy')
    await until('it has left', () => flow.effects().some((line) => line.startsWith('web')))
    const sending = await called('mail_send', { to: 'eve' }, 'busy')
    assert.match(wordsIn(sending), /^Waiting for approval/)
    flow.release()
    assert.equal(wordsIn(await reading), 'fetch done')
    assert.ok(!flow.effects().some((line) => line.startsWith('mail')))
  })

  // PO-064
  it('with a new name is asked as well: its principal has read the web', async () => {
    const sending = await called('mail_send', { to: 'frank' }, 'never heard of')
    assert.match(wordsIn(sending), /^Waiting for approval/)
    const opened = (await flow.entries('call.opened')).at(-1)
    assert.equal(opened?.body['run'], 'never heard of')
    assert.deepEqual(opened.body['flow'], {
      labels: ['outward'],
      run: [],
      recent: ['outward', 'untrusted'],
    })
  })
})
