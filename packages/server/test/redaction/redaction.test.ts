// Secrets and personal data on their way through a whole house, as clients of both eras and its files see them.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Log } from '#telemetry'
import { openFlowHouse, type FlowHouse } from '../policy/flow-house.ts'
import { connectV1, connectV2, textOf, type Peer } from '../stories/clients.ts'
import { until } from '../stories/house.ts'
import { ask, begin, envelope, legacy, modern as asModern, rpc, session } from '../stories/raw.ts'

const letters = 'aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0eF'
const TOKEN = `ghp_${letters}Zz9Z`
const MAIL = 'canary.person@analytical.dev'
const PLACE = '[redacted: secret/github]'

const POLICY = `
@id("all") permit(principal, action, resource);
@id("no-cards") @message("No payment cards by mail")
forbid(principal, action == Action::"call", resource in Server::"mail")
when { context.found.contains("personal/payment-card") };
@id("iban-asks") @ask("security") @message("Somebody has to look at bank accounts")
forbid(principal, action == Action::"call", resource in Server::"mail")
when { context.found.contains("personal/iban") };
`
const REDACTION = {
  default: { secrets: 'mask', personal: { in: 'off', out: 'mask' } },
  servers: {
    web: { secrets: { in: 'off' } },
    crm: { secrets: 'block' },
    mail: { personal: { in: 'record' }, tools: { send: { secrets: { in: 'mask' } } } },
  },
  sizeMax: '64 KiB',
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

const ERAS = {
  modern: (url: URL) => connectV2({ url }, 'pinned'),
  legacy: (url: URL) => connectV1({ url }),
} as const

for (const [era, connect] of Object.entries(ERAS)) {
  describe(`a ${era} client`, () => {
    const logged: unknown[] = []
    const log = Object.fromEntries(
      ['debug', 'info', 'warn', 'error'].map((level) => [
        level,
        (...said: unknown[]) => void logged.push(said),
      ]),
    ) as unknown as Log
    let flow: FlowHouse
    let peer: Peer
    before(async () => {
      flow = await openFlowHouse({
        files: { 'policies/a.cedar': POLICY },
        config: (servers) => ({
          servers,
          policy: { folder: 'policies', groups: { security: ['operator'] } },
          redaction: REDACTION,
          log: { level: 'debug' },
        }),
        log,
      })
      peer = await connect(flow.url())
    })
    after(async () => {
      await peer.close()
      await flow[Symbol.asyncDispose]()
    })
    const arrived = () => flow.effects().join('\n')
    const told = async (direction: string) =>
      (await flow.entries('call.screened'))
        .filter(({ body }) => body['direction'] === direction)
        .map(({ body }) => [body['server'], body['found'], body['done']])

    // PO-071
    it('sends a secret, which arrives covered', async () => {
      const said = await peer.call('mail_send', { text: `use ${TOKEN}`, to: 'ada' })
      assert.equal(textOf(said), 'send done')
      assert.match(arrived(), /mail\/send \{"text":"use \[redacted: secret\/github\]","to":"ada"\}/)
      assert.deepEqual(await told('in'), [['mail', { 'secret/github': 1 }, 'mask']])
      const opened = (await flow.entries('call.opened')).at(-1)
      assert.deepEqual(opened?.body['found'], ['secret/github'])
    })

    // PO-070
    it('is refused where secrets are blocked, in words that say no more than the kind', async () => {
      const already = flow.effects().length
      const said = await peer.call('crm_find', { text: TOKEN })
      assert.equal(said.isError, true)
      assert.match(
        textOf(said),
        /^Nothing was executed: the call holds what must not be sent to crm \(secret\/github\)\./,
      )
      assert.ok(!JSON.stringify(said).includes(TOKEN))
      assert.equal(flow.effects().length, already)
      const [opened, closed] = (await flow.entries('call.opened'))
        .slice(-1)
        .concat((await flow.entries('call.closed')).slice(-1))
      assert.match(
        JSON.stringify(opened?.body['decision']),
        /"blocked":\["secret\/github"\],"kind":"deny"/,
      )
      assert.equal(closed?.body['outcome'], 'refused')
    })

    // PO-074
    it('is judged by what was found, which policies name', async () => {
      const card = await peer.call('mail_send', { text: 'pay with 4111 1111 1111 1111' })
      assert.match(textOf(card), /The policy "no-cards" does not allow it: No payment cards/)
      const iban = await peer.call('mail_send', {
        text: `to DE89 3704 0044 0532 0130 00 with ${TOKEN}`,
      })
      assert.match(textOf(iban), /^Waiting for approval/)
      const { admin } = flow.house()
      const [open] = await admin.listApprovals({ states: 'open' })
      assert.ok(open)
      assert.ok(!JSON.stringify(open).includes(TOKEN), 'whoever decides sees what is sent')
      await admin.decideApproval({ id: open.id, verdict: 'approve' })
      await until('it is sent', () => arrived().includes('0532 0130 00') || undefined)
      assert.match(arrived(), /0532 0130 00 with \[redacted: secret\/github\]/)
    })

    // PO-071
    it('sees what servers say with secrets and people covered, of the same shape', async () => {
      const said = await peer.call('web_fetch', {
        answer: encoded({
          content: [
            { type: 'text', text: `${TOKEN} of ${MAIL}` },
            { type: 'resource', resource: { uri: 'x://y', text: TOKEN } },
            { type: 'image', data: Buffer.from(TOKEN).toString('base64'), mimeType: 'image/png' },
          ],
          structuredContent: { who: MAIL, count: 3, list: [TOKEN, true, null] },
        }),
      })
      const [text, resource, image] = said.content
      assert.equal(text?.text, `${PLACE} of [redacted: personal/email]`)
      assert.deepEqual((resource as unknown as { resource: unknown }).resource, {
        uri: 'x://y',
        text: PLACE,
      })
      assert.equal(
        (image as unknown as { data: string }).data,
        Buffer.from(TOKEN).toString('base64'),
      )
      assert.deepEqual(said['structuredContent'], {
        who: '[redacted: personal/email]',
        count: 3,
        list: [PLACE, true, null],
      })
      const [server, found, done] = (await told('out')).at(-1) ?? []
      assert.deepEqual(
        [server, found, done],
        ['web', { 'secret/github': 3, 'personal/email': 2 }, 'mask'],
      )
      const [page] = await peer.read('note://web')
      assert.equal(page?.['text'], `see ${PLACE}`)
    })

    // PO-072
    it('reads no address that holds a secret, which is in no entry either', async () => {
      const already = flow.effects().length
      await assert.rejects(peer.read(`note://mail/${TOKEN}`), (thrown: Error) => {
        assert.ok(!thrown.message.includes(TOKEN), thrown.message)
        return true
      })
      assert.equal(flow.effects().length, already)
    })

    // PO-072
    it('subscribes to no address that holds a secret', async () => {
      const wanted = { resourceSubscriptions: [`note://mail/${TOKEN}`, 'note://mail/1'] }
      const listening = await begin(
        flow.url(),
        asModern('subscriptions/listen', { params: { notifications: wanted } }),
      )
      const { data } = await listening.event((said) => said.params !== undefined)
      listening.drop()
      assert.deepEqual(data.params.notifications, { resourceSubscriptions: ['note://mail/1'] })
      const headers = await session(flow.url())
      const subscribed = async (uri: string) => {
        const { json } = await ask(flow.url(), legacy(rpc('resources/subscribe', { uri }), headers))
        return json.error?.message
      }
      assert.equal(await subscribed('note://mail/1'), undefined)
      assert.equal(await subscribed(`note://mail/${TOKEN}`), 'Resource not found.')
    })

    // PO-072: what names a run is written down with each of its calls.
    it('names no run by a secret', async () => {
      const meta = envelope({ 'dev.countersign/run': `night of ${TOKEN}` })
      const params = { name: 'mail_send', arguments: { text: 'done' } }
      const said = await ask(flow.url(), asModern('tools/call', { params, meta }))
      assert.equal(said.json.result.content[0].text, 'send done')
      const opened = (await flow.entries('call.opened')).at(-1)
      assert.equal(opened?.body['run'], `night of ${PLACE}`)
    })

    it('is told that a result may not be shown, and that it has happened', async () => {
      const result = { content: [{ type: 'text', text: TOKEN }] }
      const said = await peer.call('crm_find', { answer: encoded(result) })
      assert.equal(said.isError, true)
      assert.match(
        textOf(said),
        /^It was carried out, but its result is not shown:.*secret\/github/,
      )
      await assert.rejects(peer.read('note://crm'), (thrown: Error) => {
        assert.match(thrown.message, /not shown/)
        assert.ok(!thrown.message.includes(TOKEN))
        return true
      })
    })

    it('hears errors, progress, messages and questions covered, and answers so', async () => {
      const error = { code: -32_000, message: `no ${TOKEN}`, data: { why: TOKEN } }
      const failed = await peer.call('mail_send', { answer: encoded({ error }) }).catch(String)
      assert.ok(!JSON.stringify(failed).includes(TOKEN))
      assert.ok(JSON.stringify(failed).includes(PLACE), JSON.stringify(failed))
      const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } }
      const heard: unknown[] = []
      const says = encoded([
        { method: 'notifications/progress', params: { progress: 1, message: `at ${TOKEN}` } },
        { method: 'notifications/message', params: { level: 'error', data: { at: TOKEN } } },
        { id: 'q', method: 'elicitation/create', params: { message: TOKEN, requestedSchema } },
      ])
      const onprogress = (said: unknown): void => void heard.push(said)
      const said = await peer.call('mail_send', { says }, { onprogress })
      assert.equal(textOf(said), 'send done')
      const all = JSON.stringify([heard, peer.heard, peer.asked])
      assert.ok(!all.includes(TOKEN), all)
      assert.ok(all.includes(PLACE), all)
      assert.match(arrived(), /mail\/answered \{"action":"accept"/)
    })

    // PO-073
    it('is refused what is too large or too deep to be looked at', async () => {
      const already = flow.effects().length
      const large = await peer.call('mail_send', { text: 'x '.repeat(40_000) })
      assert.match(
        textOf(large),
        /^Nothing was executed: this call is too large, or nested too deep/,
      )
      const huge = { content: [{ type: 'text', text: 'y '.repeat(40_000) }] }
      const came = await peer.call('web_fetch', { answer: encoded(huge) })
      assert.equal(came.isError, true)
      assert.match(
        textOf(came),
        /^It was carried out, but its result is not shown: it is too large/,
      )
      assert.ok(
        !flow
          .effects()
          .slice(already)
          .some((line) => line.startsWith('mail/send')),
      )
    })

    // PO-072
    it('leaves nothing of it in any file, line or entry', async () => {
      await peer.close()
      await flow.reopen()
      const files = readdirSync(join(flow.folder, 'data'), { recursive: true, encoding: 'utf8' })
      let looked = 0
      for (const file of files) {
        const path = join(flow.folder, 'data', file)
        if (!statSync(path).isFile()) continue
        looked++
        const bytes = readFileSync(path)
        assert.ok(!bytes.includes(TOKEN), file)
        assert.ok(!bytes.includes(MAIL), file)
      }
      assert.ok(looked > 2)
      assert.ok(!arrived().includes(TOKEN))
      assert.ok(logged.length > 0)
      const said = JSON.stringify(logged)
      assert.ok(!said.includes(TOKEN) && !said.includes(MAIL))
      const { ledger } = flow.house()
      const entries = JSON.stringify(await ledger.read({ after: 0 }))
      assert.ok(!entries.includes(TOKEN) && !entries.includes(MAIL))
      peer = await connect(flow.url())
    })
  })
}
