// A trace of an agent runs through us into the server behind us, in both eras and over every wire.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ATTRIBUTES } from '../../src/telemetry/otel/names.ts'
import { serveLegacy, serveModern, text, tool, type Peer, type Received } from '../wire/peer.ts'
import { openSession } from '../wire/session.ts'
import { ask, type Loose } from '../wire/wire.ts'
import { openCollector, type Collector } from './collector.ts'
import type { ReceivedSpan } from './otlp.ts'
import { openToldHouse, type ToldHouse } from './told-house.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const AGENT = 'b7ad6b7169203331'
const CONTEXT = {
  traceparent: `00-${TRACE}-${AGENT}-01`,
  tracestate: 'rojo=00f067aa0ba902b7',
  baggage: 'team=red',
}
/** What must be nowhere in what is told. */
const CANARY = 'canary-7f3a'
const MIRROR = fileURLToPath(new URL('mirror.ts', import.meta.url))

let old: Peer
let recent: Peer
before(async () => {
  const done = { ...text(`${CANARY}-result`), isError: false }
  const tools = [tool('look'), tool('fails')]
  const prompts = [{ name: 'greet' }]
  const call = (message: Loose): object =>
    message.params.name === 'fails' ? { ...text(`${CANARY}-why`), isError: true } : done
  old = await serveLegacy({ 'tools/list': () => ({ tools }), 'tools/call': call })
  recent = await serveModern({
    'tools/list': () => ({ resultType: 'complete', tools }),
    'tools/call': (message) => ({ resultType: 'complete', ...call(message) }),
    'prompts/list': () => ({ resultType: 'complete', prompts }),
    'prompts/get': () => ({ resultType: 'complete', messages: [] }),
  })
})
after(async () => {
  await old[Symbol.asyncDispose]()
  await recent[Symbol.asyncDispose]()
})

const servers = () => ({
  old: { url: old.url },
  new: { url: recent.url },
  pipe: { command: process.execPath, args: [MIRROR] },
})

type Story = (told: ToldHouse, collector: Collector) => Promise<void>

/** Opens a house that tells everything, runs the story, and returns what was told by its end. */
async function told(story: Story, otlp: object = {}): Promise<Collector> {
  const collector = await openCollector()
  const telemetry = { otlp: { endpoint: collector.url, ...otlp } }
  try {
    await using house = await openToldHouse({ servers: servers(), telemetry })
    await story(house, collector)
    await house.stop()
    return collector
  } finally {
    await collector[Symbol.asyncDispose]()
  }
}

const childOf = (
  spans: readonly ReceivedSpan[],
  parentId: string,
  kind: ReceivedSpan['kind'],
): ReceivedSpan => {
  const found = spans.filter((one) => one.parentId === parentId && one.kind === kind)
  const [only] = found
  assert.ok(only && found.length === 1, `${String(found.length)} ${kind} spans below ${parentId}`)
  return only
}

/** The spans of one call, from the request in to the request out. */
function chain(spans: readonly ReceivedSpan[], from = AGENT): readonly ReceivedSpan[] {
  const request = childOf(spans, from, 'server')
  const call = childOf(spans, request.spanId, 'internal')
  return [request, call, childOf(spans, call.spanId, 'client')]
}

const lastSent = (peer: Peer): Received => {
  const sent = peer.got('tools/call').at(-1)
  assert.ok(sent)
  return sent
}

describe('a trace that an agent began (TE-001 V-044)', () => {
  for (const view of ['old', 'new'] as const) {
    for (const era of ['legacy', 'modern'] as const) {
      it(`of a ${era} client goes on in the ${view} server, below our own spans`, async () => {
        const collector = await told(async ({ at }) => {
          if (era === 'modern')
            await ask(at(view), 'tools/call', { name: 'look' }, { meta: CONTEXT })
          else {
            const session = await openSession(at(view))
            await session.request('tools/call', { name: 'look', _meta: CONTEXT })
          }
        })
        const [request, call, out] = chain(collector.spans())
        assert.equal(request?.name, 'tools/call look')
        assert.equal(call?.name, `call ${view} look`)
        assert.equal(out?.name, 'tools/call look')
        for (const span of [request, call, out]) assert.equal(span?.traceId, TRACE)
        const sent = lastSent(view === 'old' ? old : recent)
        const traceparent = `00-${TRACE}-${out?.spanId ?? ''}-01`
        const { tracestate, baggage } = CONTEXT
        for (const carrier of [sent.headers, sent.body.params._meta]) {
          assert.deepEqual(
            [carrier.traceparent, carrier.tracestate, carrier.baggage],
            [traceparent, tracestate, baggage],
          )
        }
      })
    }
  }

  it('goes on in a server over stdio, by its metadata alone', async () => {
    let seen: Loose
    const collector = await told(async ({ at }) => {
      const asked = await ask(at('pipe'), 'tools/call', { name: 'look' }, { meta: CONTEXT })
      seen = JSON.parse(asked.message.result.content[0].text)
    })
    const [, , out] = chain(collector.spans())
    assert.equal(seen.traceparent, `00-${TRACE}-${String(out?.spanId)}-01`)
    assert.equal(out?.attributes[ATTRIBUTES.transport], 'pipe')
  })

  it('is taken from HTTP headers where the metadata has none, and from the metadata first', async () => {
    const other = '00-11111111111111111111111111111111-2222222222222222-01'
    const headers = { traceparent: other }
    const collector = await told(async ({ at }) => {
      await ask(at('new'), 'tools/call', { name: 'look' }, { headers })
      await ask(at('new'), 'tools/call', { name: 'look' }, { headers, meta: CONTEXT })
    })
    const [byHeader] = chain(collector.spans(), '2222222222222222')
    assert.equal(byHeader?.traceId, '1'.repeat(32))
    assert.equal(chain(collector.spans())[0]?.traceId, TRACE)
  })

  it('that its client does not record is not recorded here, and goes on', async () => {
    const traceparent = `00-${TRACE}-${AGENT}-00`
    const collector = await told(async ({ at }) => {
      await ask(at('new'), 'tools/call', { name: 'look' }, { meta: { traceparent } })
    })
    assert.deepEqual(
      collector.spans().filter(({ traceId }) => traceId === TRACE),
      [],
    )
    assert.match(lastSent(recent).body.params._meta.traceparent, new RegExp(`^00-${TRACE}-.*-00$`))
  })
})

const HOSTILE: readonly Loose[] = [
  { traceparent: 'x'.repeat(100_000) },
  { traceparent: `ff-${TRACE}-${AGENT}-01` },
  { traceparent: `00-${'0'.repeat(32)}-${AGENT}-01` },
  { traceparent: `00-${TRACE}-${AGENT}-01-more` },
  { traceparent: `00-${TRACE.toUpperCase()}-${AGENT}-01` },
  { traceparent: 'none', tracestate: 'of=another' },
  { traceparent: 7, tracestate: {}, baggage: [] },
  { tracestate: 'a=b\r\nx-injected: 1', baggage: 'a=b\r\nx-injected: 1' },
  { tracestate: 'a'.repeat(5_000), baggage: `a=${'b'.repeat(9_000)}` },
]

it('What only looks like a trace is dropped, and the call goes on (TE-002)', async () => {
  for (const meta of HOSTILE) {
    const collector = await told(async ({ at }) => {
      const { message } = await ask(at('new'), 'tools/call', { name: 'look' }, { meta })
      assert.ok(message.result, JSON.stringify(message))
    })
    const sent = lastSent(recent)
    const passed = sent.body.params._meta
    assert.match(passed.traceparent, /^00-[\da-f]{32}-[\da-f]{16}-01$/)
    assert.equal(passed.tracestate, undefined)
    assert.equal(passed.baggage, undefined)
    assert.equal(sent.headers['x-injected'], undefined)
    assert.ok(!collector.spans().some(({ traceId }) => traceId === TRACE))
  }
})

describe('without a collector for traces', () => {
  for (const telemetry of [undefined, { metrics: { listen: '127.0.0.1:0' } }]) {
    const what = telemetry ? 'where only figures are asked for' : 'where nothing is configured'
    it(`the trace of a client passes unchanged ${what} (TE-003)`, async () => {
      await using house = await openToldHouse({
        servers: servers(),
        ...(telemetry ? { telemetry } : {}),
      })
      await ask(house.at('new'), 'tools/call', { name: 'look' }, { meta: CONTEXT })
      const { headers, body } = lastSent(recent)
      for (const [key, value] of Object.entries(CONTEXT)) {
        assert.equal(body.params._meta[key], value)
        assert.equal(headers[key], value)
      }
      const byHeader = { headers: { traceparent: CONTEXT.traceparent } }
      await ask(house.at('new'), 'tools/call', { name: 'look' }, byHeader)
      assert.equal(lastSent(recent).body.params._meta.traceparent, CONTEXT.traceparent)
    })
  }
})

describe('what is told', () => {
  const KEYS: ReadonlySet<string> = new Set(Object.values(ATTRIBUTES))

  it('has the words of the conventions and no others (TE-004)', async () => {
    const collector = await told(async ({ at }) => {
      await ask(at('new'), 'tools/call', { name: 'fails' })
      await ask(at('new'), 'tools/call', { name: `${CANARY}-unknown` })
      await ask(at('new'), 'prompts/get', { name: 'greet' })
      await ask(at('new'), `${CANARY}/method`)
    })
    const spans = collector.spans()
    for (const { attributes, statusMessage, resource } of spans) {
      for (const key of Object.keys(attributes)) assert.ok(KEYS.has(key), key)
      assert.equal(statusMessage, '')
      assert.equal(resource['service.name'], 'countersign')
    }
    const of = (wanted: string, as: ReceivedSpan['kind']): ReceivedSpan['attributes'] =>
      spans.find(({ name, kind }) => name === wanted && kind === as)?.attributes ?? {}
    assert.equal(of('tools/call fails', 'server')[ATTRIBUTES.errorType], 'tool_error')
    assert.equal(of('tools/call', 'server')[ATTRIBUTES.statusCode], '-32602')
    assert.equal(of('tools/call', 'server')[ATTRIBUTES.fault], 'call/unknown-name')
    assert.equal(of('prompts/get greet', 'client')[ATTRIBUTES.prompt], 'greet')
    assert.equal(of('_OTHER', 'server')[ATTRIBUTES.method], '_OTHER')
    assert.ok(spans.some(({ name, hasFailed }) => name === 'tools/call fails' && hasFailed))
    assert.ok(!collector.text().includes(CANARY))
  })

  it('says of a call what was asked, decided and sent (TE-004)', async () => {
    const collector = await told(async ({ at }) => {
      const session = await openSession(at('old'))
      await session.request('tools/call', { name: 'look', _meta: CONTEXT })
    })
    const [request, call, out] = chain(collector.spans())
    assert.deepEqual(
      { ...request?.attributes, [ATTRIBUTES.session]: undefined },
      {
        'mcp.method.name': 'tools/call',
        'mcp.protocol.version': '2025-11-25',
        'mcp.session.id': undefined,
        'jsonrpc.request.id': String(request?.attributes[ATTRIBUTES.requestId]),
        'network.transport': 'tcp',
        'network.protocol.name': 'http',
        'client.address': '127.0.0.1',
        'countersign.server': 'old',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'look',
      },
    )
    assert.match(String(request?.attributes[ATTRIBUTES.session]), /^[\da-f]{16}$/)
    assert.equal(call?.attributes[ATTRIBUTES.decision], 'allow')
    assert.equal(call?.attributes[ATTRIBUTES.outcome], 'answered')
    assert.match(String(call?.attributes[ATTRIBUTES.call]), /^call_/)
    assert.equal(out?.attributes[ATTRIBUTES.server], 'old')
    assert.equal(out?.attributes['server.address'], '127.0.0.1')
  })

  it('repeats no argument, no result, no URI, no token and no session id (TE-005)', async () => {
    let session = ''
    const collector = await told(
      async ({ at }) => {
        const opened = await openSession(at('old'))
        session = opened.id
        const params = { name: 'look', arguments: { secret: `${CANARY}-argument` } }
        await opened.request('tools/call', params)
        await opened.request('tools/call', { ...params, name: 'fails' })
        await opened.request('resources/read', { uri: `file:///${CANARY}` })
        const headers = { authorization: `Bearer ${CANARY}-token` }
        await ask(at('new'), 'tools/call', params, { headers })
        await ask(at('new'), 'tools/call', { name: 'look', arguments: CANARY }, { headers })
      },
      { headers: { 'x-key': `${CANARY}-key` } },
    )
    assert.ok(collector.spans().length > 5)
    assert.equal(collector.headers[0]?.['x-key'], `${CANARY}-key`)
    assert.ok(session.length > 20 && !collector.text().includes(session))
    assert.ok(!collector.text().includes(CANARY))
  })
})
