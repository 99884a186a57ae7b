// Where a call comes from and how strongly somebody signed in, as policies of a whole house see them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seconds, startIssuer, type FakeIssuer, type Minting } from '../auth/fake-issuer.ts'
import { bearer } from '../auth/guarded-house.ts'
import { ask, envelope, legacy, modern, rpc, session } from '../stories/raw.ts'
import { openFlowHouse, type FlowHouse } from './flow-house.ts'

const NETWORK = `
@id("all") permit(principal, action, resource);
@id("inside") forbid(principal, action in Action::"use", resource in Server::"mail")
unless { context.network has address && context.network.address.isInRange(ip("10.0.0.0/8")) };
`
const forged = { 'x-forwarded-for': '10.1.1.1', forwarded: 'for=10.1.1.1', 'x-real-ip': '10.1.1.1' }
const SEND = { name: 'mail_send', arguments: {} }

const openNetwork = (listen: object): Promise<FlowHouse> =>
  openFlowHouse({
    files: { 'policies/a.cedar': NETWORK },
    config: (servers) => ({
      servers,
      policy: { folder: 'policies' },
      listen: { port: 0, ...listen },
    }),
  })

/** What a call and a list of both eras make of a request with these headers. */
async function seen(flow: FlowHouse, headers: Record<string, string>) {
  const url = flow.url()
  const called = await ask(url, modern('tools/call', { params: SEND, headers }))
  const listed = await ask(url, modern('tools/list', { headers }))
  const held = { ...(await session(url)), ...headers }
  const calledOld = await ask(url, legacy(rpc('tools/call', SEND), held))
  const listedOld = await ask(url, legacy(rpc('tools/list'), held))
  const hasMail = ({ json }: { json: { result: { tools: { name: string }[] } } }) =>
    json.result.tools.some(({ name }) => name === 'mail_send')
  const isDone = ({ json }: { json: { result: { isError?: boolean } } }) =>
    json.result.isError !== true
  return [isDone(called), hasMail(listed), isDone(calledOld), hasMail(listedOld)]
}

const INSIDE = [true, true, true, true]
const OUTSIDE = [false, false, false, false]

// PO-060
describe('the address of a call', () => {
  it('is that of whoever connects, whatever its headers say', async () => {
    await using flow = await openNetwork({})
    assert.deepEqual(await seen(flow, {}), OUTSIDE)
    assert.deepEqual(await seen(flow, forged), OUTSIDE)
  })

  it('is what a proxy of ours has written, and not what stood there before', async () => {
    await using flow = await openNetwork({ proxies: ['127.0.0.0/8'] })
    assert.deepEqual(await seen(flow, { 'x-forwarded-for': '10.1.1.1' }), INSIDE)
    assert.deepEqual(await seen(flow, { 'x-forwarded-for': '10.1.1.1, 203.0.113.9' }), OUTSIDE)
    assert.deepEqual(await seen(flow, { 'x-forwarded-for': 'nonsense' }), OUTSIDE)
    assert.deepEqual(await seen(flow, {}), OUTSIDE, 'a proxy that does not say')
  })
})

const STRENGTH = `
@id("all") permit(principal, action, resource);
@id("otp") forbid(principal, action in Action::"use", resource in Server::"crm")
unless { context.authentication.amr.contains("otp") };
@id("fresh") forbid(principal, action in Action::"use", resource in Server::"mail")
unless { context.authentication has age && context.authentication.age < 600 };
@id("loa") forbid(principal, action in Action::"use", resource in Server::"web")
unless { context.authentication has acr && context.authentication.acr == "urn:loa:3" };
`

// PO-069
describe('how strongly somebody signed in', () => {
  let issuer: FakeIssuer
  let flow: FlowHouse
  before(async () => {
    issuer = await startIssuer()
    flow = await openFlowHouse({
      files: { 'policies/a.cedar': STRENGTH },
      config: (servers) => ({
        servers,
        policy: { folder: 'policies' },
        auth: { issuers: [{ issuer: issuer.issuer }] },
      }),
    })
  })
  after(async () => {
    await flow[Symbol.asyncDispose]()
    await issuer[Symbol.asyncDispose]()
  })

  async function may(name: string, claims: Minting['claims']): Promise<boolean> {
    const scope = 'mcp:discover crm:admin mail:admin web:admin'
    const token = await issuer.mint({ claims: { aud: flow.url().href, scope, ...claims } })
    const params = { name, arguments: {} }
    const said = await ask(flow.url(), modern('tools/call', { params, headers: bearer(token) }))
    assert.equal(said.status, 200, said.text)
    return said.json.result.isError !== true
  }

  it('is what its token says was used', async () => {
    assert.equal(await may('crm_find', { amr: ['pwd', 'otp'] }), true)
    assert.equal(await may('crm_find', { amr: 'otp' }), true, 'some write one as a text')
    for (const amr of [undefined, [], ['pwd'], ['OTP'], { otp: true }, 7]) {
      assert.equal(await may('crm_find', { amr }), false, JSON.stringify(amr))
    }
  })

  it('is as old as its token says, at the moment of each call', async () => {
    assert.equal(await may('mail_send', { auth_time: seconds() - 500 }), true)
    assert.equal(await may('mail_send', { auth_time: seconds() + 5 }), true)
    for (const at of [undefined, seconds() - 700, 'now', null, seconds() + 3_600, 1e300, -1]) {
      assert.equal(await may('mail_send', { auth_time: at }), false, String(at))
    }
  })

  it('is of the class that its token names', async () => {
    assert.equal(await may('web_fetch', { acr: 'urn:loa:3' }), true)
    for (const acr of [undefined, '', 'urn:loa:2', 3, ['urn:loa:3']]) {
      assert.equal(await may('web_fetch', { acr }), false, JSON.stringify(acr))
    }
  })
})

// PO-061
describe('the trace of a call', () => {
  it('names its run, in headers as in _meta, which counts first', async () => {
    await using flow = await openNetwork({})
    const [one, two] = ['a', 'b'].map((digit) => digit.repeat(32))
    const parent = (trace = '') => `00-${trace}-00f067aa0ba902b7-01`
    const called = async (headers: Record<string, string>, meta: object) => {
      const params = { name: 'crm_find', arguments: {} }
      await ask(flow.url(), modern('tools/call', { params, headers, meta: envelope({ ...meta }) }))
      return (await flow.entries('call.opened')).at(-1)?.body['run']
    }
    assert.equal(await called({ traceparent: parent(one) }, {}), one)
    assert.equal(await called({ traceparent: parent(one) }, { traceparent: parent(two) }), two)
    assert.equal(await called({ traceparent: parent(one) }, { traceparent: 'nonsense' }), one)
    const handle = { 'dev.countersign/run': 'nightly' }
    assert.equal(await called({ traceparent: parent(one) }, handle), 'nightly')
    for (const wrong of [
      'ff-',
      '00-0'.padEnd(40, '0'),
      parent('0'.repeat(32)),
      `${parent(one)}-x`,
    ]) {
      assert.equal(await called({ traceparent: wrong }, {}), undefined, wrong)
    }
  })
})
