// Many people and many agents at once, on the page and at the gateway; and what the page lets them do.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { uncaught, until } from '../stories/house.ts'
import { openPageHouse, personId, type PageHouse } from './page-house.ts'

const MANY = 32
const POLICY = `@id("everything") permit(principal, action, resource);
@id("delete-asks") @ask("sre") @quorum("5") @message("Mind the notes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note")
unless { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/one*" };
@id("one-asks") @ask("sre") @escalate("managers after 1h")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note")
when { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/one*" };`

const people = Array.from({ length: MANY }, (_, at) => `sre-${String(at)}`)
let page: PageHouse
before(async () => {
  page = await openPageHouse({
    policy: POLICY,
    groups: { sre: [...people, 'typist'], oncall: ['eve', 'typist'], managers: ['max'] },
    approvals: {
      grants: { maxUses: 50, maxDays: 7 },
      breakGlass: { group: 'oncall' },
      passkeyFor: ['destructive'],
    },
  })
})
after(async () => {
  await page[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const all = <Value>(make: (at: number) => Promise<Value>): Promise<Value[]> =>
  Promise.all(Array.from({ length: MANY }, (_, at) => make(at)))
const deletions = (): number => page.effects().filter((one) => one === 'delete_note').length
const decided = async (url: string, who: string, fields: object, verdict: string) =>
  (await page.browserOf(who).open(url)).submit({ ...fields }, verdict)

describe('32 people on the page', () => {
  // PO-020 PO-021
  it('are as many as the quorum, and the call goes out once', async () => {
    const already = deletions()
    const { url, task } = await page.waiting('/quorum')
    const forms = await all((at) => page.browserOf(`sre-${String(at)}`).open(url))
    const said = await Promise.all(forms.map((form) => form.submit({}, 'approve')))
    const counted = said.filter(({ status }) => status === 200).length
    assert.equal(counted, 5)
    assert.equal(said.filter(({ status }) => status === 409).length, MANY - 5)
    assert.equal((await page.call('countersign_result', { id: task })).trim(), 'delete_note done')
    assert.equal(deletions(), already + 1)
    const answers = (await page.house.ledger.read({ last: 1_000 })).filter(
      ({ kind, body }) => kind === 'approval.answered' && body['task'] === task,
    )
    assert.equal(answers.length, 5)
  })
})

describe('a grant made on the page', () => {
  // PO-041
  it('lets 32 callers of the same call out exactly as often as it says, and no other call', async () => {
    const { url, task } = await page.waiting('/one/granted')
    const already = deletions()
    const done = await decided(url, 'sre-1', { uses: '7', days: '2' }, 'grant')
    assert.match(done.text, /This is (?:approved|used)/)
    await page.call('countersign_result', { id: task })
    assert.equal(deletions(), already + 1)
    const said = await all(() => page.call('delete_note', { path: '/one/granted' }))
    assert.equal(said.filter((one) => one.trim() === 'delete_note done').length, 7)
    assert.equal(deletions(), already + 8)
    // Whoever lost the race for the last one executed nothing, and is told so.
    for (const one of said.filter((text) => text.trim() !== 'delete_note done')) {
      assert.match(one, /Nothing (?:was|has been) executed/)
    }
    const [grant] = await page.house.admin.listGrants({ all: true })
    assert.deepEqual([grant?.state, grant?.left, grant?.isExact], ['used', 0, true])
    const told = (await page.house.ledger.read({ last: 1_000 })).filter(
      ({ kind, body }) =>
        kind === 'call.opened' && JSON.stringify(body['decision']).includes(`"${grant?.id}"`),
    )
    assert.ok(told.length >= 7)
    const other = await page.call('delete_note', { path: '/one/other' })
    assert.match(other, /^Waiting for approval/)
    const custody = await page.house.admin.getCustody({ call: String(told[0]?.call) })
    assert.equal(custody.rounds[0]?.decision.told?.['grant'], grant?.id)
  })

  it('is bounded by what is configured, and the yes counts all the same', async () => {
    const { url } = await page.waiting('/one/bounded')
    const refused = await decided(url, 'sre-2', { uses: '51', days: '2' }, 'grant')
    assert.equal(refused.status, 400)
    assert.match(refused.text, /Your yes to this call counts\. .*1 to 50 calls/)
    await until('it is used', async () => (await page.stateAt(url)) === 'used' || undefined)
  })
})

describe('the page', () => {
  // PO-046
  it('shows what this agent and this tool did before, without arguments', async () => {
    const { url } = await page.waiting('/one/history-secret')
    const shown = await page.browserOf('sre-3').open(url)
    assert.match(shown.text, /This agent before.*cabinet delete_note: allow \(ap_/s)
    assert.match(shown.text, /This tool before.*local: allow \(gr_/s)
    assert.match(shown.text, /What a yes is for.*Once.*Definition.*sha256:.*version 1/s)
    const [, past = ''] = shown.text.split('This agent before')
    assert.doesNotMatch(past, /history-secret|granted/)
    assert.match(shown.text, /"managers", if nobody of "sre" has by/)
  })

  // PO-047
  it('wants a passkey where that is configured, and sends whoever has shown none to sign in', async () => {
    const { url } = await page.waiting('/one/passkey')
    const shown = await page.browserOf('typist').open(url)
    assert.match(shown.text, /is decided with a passkey/)
    assert.doesNotMatch(shown.html, /<form/)
    const sent = await page.browserOf('typist').open(`${url}?sign-in`)
    assert.equal(sent.url.searchParams.get('fresh'), '0')
    const id = url.split('/').at(-1) ?? ''
    const byToken = page.house.admin.decideApproval({ id, verdict: 'approve' })
    await assert.rejects(byToken, { code: 'approval/not-yours' })
    assert.equal(await page.stateAt(url), 'open')
  })

  // PO-043
  it('lets whoever may break the glass, with a reason, and custody says so', async () => {
    const already = deletions()
    const { url, task } = await page.waiting('/glass')
    const stranger = await page.browserOf('mallory').open(url)
    assert.equal(stranger.status, 404)
    const form = await page.browserOf('eve').open(url)
    assert.match(form.text, /Break the glass/)
    const done = await form.submit({ reason: 'production is down' }, 'break-glass')
    assert.match(
      done.text,
      /eve said yes alone, by breaking the glass: production is down|used|approved/,
    )
    assert.equal((await page.call('countersign_result', { id: task })).trim(), 'delete_note done')
    assert.equal(deletions(), already + 1)
    const [review] = await page.house.admin.listReviews({})
    assert.ok(review)
    assert.equal(review.by, personId('eve'))
    const custody = await page.house.admin.getCustody({ call: review.call })
    const kinds = custody.events.map(({ kind }) => kind)
    assert.ok(kinds.includes('break-glass.used'))
    const round = custody.rounds.find(({ decision }) => decision.told?.['breakGlass'])
    assert.deepEqual(round?.decision.told?.['breakGlass'], {
      by: personId('eve'),
      reason: 'production is down',
    })
    const found = await page.house.admin.reviewApproval({
      id: review.id,
      verdict: 'justified',
    })
    assert.equal(found.reviewed?.by, 'operator')
    assert.deepEqual(await page.house.admin.listReviews({}), [])
  })
})

describe('a grant that needs several people', () => {
  // PO-042
  it('is made by each of them on its page, which exists for nobody else', async () => {
    const asked = await page.waiting('/several')
    const first = await decided(asked.url, 'sre-1', { uses: '9', days: '1', any: 'yes' }, 'grant')
    assert.match(first.text, /Shall this be done\?/)
    const id = (asked.url.split('/').at(-1) ?? '').replace('ap_', 'gr_')
    const url = `${page.origin}/approvals/${id}`
    assert.equal((await page.browserOf('mallory').open(url)).status, 404)
    assert.equal((await page.browserOf('local').open(url)).status, 404)
    for (const who of ['sre-2', 'sre-3', 'sre-4']) {
      const said = await decided(url, who, {}, 'agree')
      assert.match(said.text, /A standing grant, pending/)
    }
    const last = await decided(url, 'sre-5', {}, 'agree')
    assert.match(last.text, /A standing grant, active/)
    assert.equal((await page.call('delete_note', { path: '/five' })).trim(), 'delete_note done')
    const ended = await decided(url, 'sre-6', {}, 'revoke')
    assert.match(ended.text, /A standing grant, revoked/)
    assert.match(await page.call('delete_note', { path: '/five' }), /^Waiting for approval/)
  })
})

describe('a proposal of somebody else', () => {
  // PO-042
  it('is agreed to beside a yes by whoever was shown all of it, and by nobody else', async () => {
    const { url } = await page.waiting('/proposed')
    const id = (url.split('/').at(-1) ?? '').replace('ap_', 'gr_')
    const stale = await page.browserOf('sre-2').open(url)
    await decided(url, 'sre-1', { uses: '9', days: '1', any: 'yes' }, 'grant')
    const unseen = await stale.submit({ uses: '1', days: '1' }, 'grant')
    assert.equal(unseen.status, 409)
    assert.match(unseen.text, /Your yes to this call counts\. .*sre-1 has proposed/)
    const fresh = await page.browserOf('sre-3').open(url)
    assert.match(fresh.text, /would allow the same, also with other arguments,\s+9 times/)
    assert.equal((await fresh.submit({}, 'grant')).status, 200)
    const { makers } = await page.house.admin.getGrant({ id })
    assert.deepEqual(
      makers.map(({ by }) => by),
      ['sre-1', 'sre-3'].map(personId),
    )
    assert.match(
      (await page.browserOf('sre-4').open(url.replace('ap_', 'gr_'))).text,
      /Arguments\s+any/,
    )
  })
})

describe('a client that can open pages', () => {
  // PO-004
  it('is shown the page once, and whatever it answers there decides nothing', async () => {
    const url = new URL(`${page.origin}/mcp/cabinet`)
    for (const action of ['accept', 'decline', 'cancel'] as const) {
      const client = new Client(
        { name: 'opener', version: '1' },
        {
          capabilities: { elicitation: { url: {} } },
          versionNegotiation: { mode: { pin: '2026-07-28' } },
        },
      )
      const shown: Record<string, unknown>[] = []
      client.setRequestHandler('elicitation/create', ({ params }) => {
        shown.push({ ...params })
        return { action }
      })
      await client.connect(new StreamableHTTPClientTransport(url))
      const already = deletions()
      const path = `/one/${action}`
      const first = await client.callTool({ name: 'delete_note', arguments: { path } })
      const [words] = first.content
      assert.match(words?.type === 'text' ? words.text : '', /^Waiting for approval\./)
      assert.equal(shown.length, 1)
      assert.equal(shown[0]?.['mode'], 'url')
      assert.match(String(shown[0]?.['url']), /\/approvals\/ap_[\w-]+$/)
      assert.match(String(shown[0]?.['message']), /approval by someone of "sre"/)
      assert.equal(deletions(), already)
      const at = String(shown[0]?.['url'])
      assert.equal(await page.stateAt(at), 'open')
      await decided(`${page.origin}${new URL(at).pathname}`, 'sre-4', {}, 'approve')
      await until('it happened', () => deletions() === already + 1 || undefined)
      await client.close()
    }
  })
})
