// The page on which somebody decides: who sees it, what it shows, and who may send its form.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { SignIns } from '#auth'
import { systemWorld } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'
import { makeFormBrowser, type FormBrowser } from '../auth/form-browser.ts'
import { until } from '../stories/house.ts'
import { ask, modern, type Wire } from '../stories/raw.ts'

const CABINET = fileURLToPath(new URL('cabinet.ts', import.meta.url))
const POLICY = `@id("everything") permit(principal, action, resource);
@id("delete-asks") @ask("sre") @message("Mind the notes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");`

/** People who say who they are, and when they proved it: this story is not about signing in. */
const byCookie: SignIns = {
  personOf: async ({ headers }) => {
    const said = /(?:^|; )somebody=(\w+)/.exec(headers.cookie ?? '')?.[1]
    if (said === undefined) return undefined
    const ageMs = said === 'tired' ? 6 * 60_000 : 0
    const principal = said === 'local' ? 'local' : `https://idp.example#${said}`
    return { principal, name: said, means: 'passkey', provedAt: Date.now() - ageMs }
  },
  send: (response, path, wanted) => {
    const query = `then=${encodeURIComponent(path)}&fresh=${String(wanted?.freshMs)}`
    response.writeHead(303, { location: `https://elsewhere.example/?${query}` })
    response.end()
  },
}

let house: House
let origin: string
let folder: string
const alive = setInterval(() => undefined, 60_000)
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-page-'))
  const effects = join(folder, 'effects')
  writeFileSync(join(folder, 'a.cedar'), POLICY)
  const members = ['grace', 'tired'].map((name) => `https://idp.example#${name}`)
  const written = {
    listen: { port: 0 },
    data: join(folder, 'data'),
    servers: { cabinet: { command: process.execPath, args: [CABINET, effects] } },
    policy: { folder, groups: { sre: [...members, 'local'] } },
  }
  const path = join(folder, 'countersign.json')
  const config = parseConfig({ world: systemWorld, text: JSON.stringify(written), path })
  house = await openHouse(config, { world: systemWorld, log: silentLog, signIns: byCookie })
  origin = `http://127.0.0.1:${(await house.listen()).port}`
})
after(async () => {
  await house[Symbol.asyncDispose]()
  clearInterval(alive)
  rmSync(folder, { recursive: true, force: true })
})

const browserOf = (somebody?: string): FormBrowser => {
  const browser = makeFormBrowser(origin)
  if (somebody !== undefined) browser.cookies.set('somebody', somebody)
  return browser
}
const call = async (name: string, args: Wire): Promise<string> => {
  const url = new URL(`${origin}/mcp/cabinet`)
  const { json } = await ask(url, modern('tools/call', { params: { name, arguments: args } }))
  return String(json.result.content[0].text)
}

/** A call that waits, and where it is decided. */
async function waiting(path: string): Promise<{ readonly url: string; readonly task: string }> {
  const task = /^Request: (task_\S+)/m.exec(await call('delete_note', { path }))?.[1] ?? ''
  const line = (await house.admin.listApprovals({})).find((one) => one.task === task)
  return { url: `${origin}/approvals/${String(line?.id)}`, task }
}
const stateAt = async (url: string): Promise<string> =>
  (await house.admin.getApproval({ id: url.split('/').at(-1) ?? '' })).state

describe('somebody who is asked', () => {
  it('sees exactly what will happen, says yes, and it happens', async () => {
    const { url, task } = await waiting('/<b>bold</b>')
    const page = await browserOf('grace').open(url)
    assert.equal(page.status, 200)
    assert.match(page.text, /Shall this be done\?/)
    assert.match(page.text, /cabinet delete_note.*destructive.*local.*Mind the notes/s)
    assert.ok(page.html.includes('&lt;b&gt;bold&lt;/b&gt;'))
    assert.ok(!page.html.includes('<b>bold'))
    const decided = await page.submit({ reason: 'looked at it' }, 'approve')
    assert.match(decided.text, /This is (?:approved|used)/)
    assert.match(decided.text, /https:\/\/idp\.example#grace said yes: looked at it/)
    const result = await call('countersign_result', { id: task })
    assert.equal(result.trim(), 'delete_note done')
    const noted = (await house.ledger.read({ after: 0 })).find(
      ({ kind }) => kind === 'approval.answered',
    )
    assert.equal(noted?.body['means'], 'passkey')
  })

  it('sees arguments of many levels in whole, without the page growing by each of them', async () => {
    const many = JSON.stringify(Array.from({ length: 100_000 }, () => 1))
    const deep = JSON.parse(`${'['.repeat(100)}${many}${']'.repeat(100)}`)
    const said = await call('delete_note', { path: '/deep', deep })
    const task = /^Request: (task_\S+)/m.exec(said)?.[1]
    const line = (await house.admin.listApprovals({})).find((one) => one.task === task)
    const page = await browserOf('grace').open(`${origin}/approvals/${String(line?.id)}`)
    assert.equal(page.status, 200)
    assert.equal(page.html.replaceAll(/\s/g, '').includes(many), true)
    assert.ok(page.html.length < 2 * many.length, `${String(page.html.length)} characters`)
  })

  it('says no with a reason, and not without one', async () => {
    const { url, task } = await waiting('/no')
    const page = await browserOf('grace').open(url)
    assert.equal((await page.submit({}, 'deny')).status, 400)
    assert.equal(await stateAt(url), 'open')
    await page.submit({ reason: 'not this one' }, 'deny')
    assert.equal(await stateAt(url), 'denied')
    assert.match(await call('countersign_result', { id: task }), /Their reason: not this one\./)
    const late = await page.submit({}, 'approve')
    assert.equal(late.status, 409)
  })

  it('signs in first, and again when that was long ago', async () => {
    const { url } = await waiting('/fresh')
    for (const somebody of [undefined, 'tired']) {
      const sent = await browserOf(somebody).open(url)
      assert.equal(sent.url.host, 'elsewhere.example')
      assert.equal(sent.url.searchParams.get('then'), new URL(url).pathname)
      assert.equal(sent.url.searchParams.get('fresh'), '300000')
    }
  })
})

describe('nobody else', () => {
  it('sees that there is anything; whoever asked sees it, and cannot decide it (GV2)', async () => {
    const { url } = await waiting('/private')
    const stranger = await browserOf('mallory').open(url)
    assert.equal(stranger.status, 404)
    assert.ok(!stranger.html.includes('/private'))
    const nothing = await browserOf('mallory').open(`${origin}/approvals/ap_AAAAAAAAAAAAAAAAAAAAAA`)
    assert.equal(nothing.html, stranger.html)
    for (const path of ['', 'x', 'ap_', 'ap_a%2Fb']) {
      assert.equal((await browserOf('grace').open(`${origin}/approvals/${path}`)).status, 404, path)
    }
    const own = await browserOf('local').open(url)
    assert.equal(own.status, 200)
    assert.doesNotMatch(own.html, /<form/)
    assert.equal(await stateAt(url), 'open')
  })

  it('sends the form: not another site, not another page, not another browser', async () => {
    const { url } = await waiting('/forged')
    const other = await waiting('/other')
    const grace = browserOf('grace')
    const field = /name="form" value="([^"]+)"/.exec((await grace.open(url)).html)?.[1] ?? ''
    const wrong = /name="form" value="([^"]+)"/.exec((await grace.open(other.url)).html)?.[1] ?? ''
    const cookie = [...grace.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const post = async (
      form: string,
      headers: Readonly<Record<string, string>>,
    ): Promise<number> => {
      const body = new URLSearchParams({ form, verdict: 'approve' }).toString()
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      return (await ask(new URL(url), { headers: { ...type, ...headers }, body })).status
    }
    assert.equal(await post(field, { cookie, origin: 'https://evil.example' }), 403)
    assert.equal(await post('', { cookie, origin }), 400)
    assert.equal(await post(wrong, { cookie, origin }), 400)
    assert.equal(await post(field, { cookie: 'somebody=grace', origin }), 400)
    assert.equal(await stateAt(url), 'open')
    assert.equal(await post(field, { cookie, origin }), 303)
    await until('it is approved', async () => (await stateAt(url)) !== 'open' || undefined)
  })
})
