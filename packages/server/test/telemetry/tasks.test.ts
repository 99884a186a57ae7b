// A call that goes on as a task: each of its parts is a span of its own, linked to where it began.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { ATTRIBUTES } from '../../src/telemetry/otel/names.ts'
import { serveLegacy, text, tool } from '../wire/peer.ts'
import { openSession } from '../wire/session.ts'
import { ask } from '../wire/wire.ts'
import { openCollector } from './collector.ts'
import { openToldHouse } from './told-house.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const AGENT = 'b7ad6b7169203331'
const traceparent = `00-${TRACE}-${AGENT}-01`

it('Creating, sending and fetching are three spans; sending is linked to creating (TE-006)', async () => {
  await using collector = await openCollector()
  await using peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('book')] }),
    'tools/call': () => text('booked'),
  })
  await using told = await openToldHouse({
    servers: { inn: { url: peer.url } },
    telemetry: { otlp: { endpoint: collector.url, metrics: false, logs: false } },
  })
  const session = await openSession(told.at('inn'))
  const created = await session.request('tools/call', {
    name: 'book',
    task: { ttl: 60_000 },
    _meta: { traceparent },
  })
  const { taskId } = created.message.result.task
  const fetched = await session.request('tasks/result', { taskId })
  assert.equal(fetched.message.result.content[0].text, 'booked')
  await told.stop()

  const spans = collector.spans()
  const creation = spans.find(({ parentId }) => parentId === AGENT)
  assert.equal(creation?.name, 'tools/call book')
  const attempt = spans.find(({ name }) => name === 'call inn book')
  assert.ok(creation && attempt)
  assert.equal(attempt.parentId, '')
  assert.notEqual(attempt.traceId, TRACE)
  assert.deepEqual(attempt.links, [{ traceId: TRACE, spanId: creation.spanId }])
  const sent = spans.find(({ parentId }) => parentId === attempt.spanId)
  assert.equal(sent?.kind, 'client')
  assert.equal(sent.traceId, attempt.traceId)
  assert.equal(
    peer.got('tools/call').at(-1)?.body.params._meta.traceparent,
    `00-${attempt.traceId}-${sent.spanId}-01`,
  )
  const answer = spans.find(({ name }) => name === 'tasks/result')
  assert.equal(answer?.kind, 'server')
  assert.notEqual(answer.traceId, attempt.traceId)
  assert.equal(attempt.attributes[ATTRIBUTES.outcome], 'answered')
  // Nothing is stretched: creating was over before what it created was fetched.
  assert.ok(creation.endNs <= answer.endNs)
})

const ASKS = `
@id("everything") permit(principal, action, resource);
@id("booking-asks") @ask("ops")
forbid(principal, action == Action::"call", resource == Tool::"inn/book");
`

it('What is approved after a restart is linked to the request of the day before (TE-006)', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-told-'))
  mkdirSync(join(data, 'policies'))
  writeFileSync(join(data, 'policies', 'a.cedar'), ASKS)
  await using collector = await openCollector()
  await using peer = await serveLegacy({
    'tools/list': () => ({ tools: [tool('book')] }),
    'tools/call': () => text('booked'),
  })
  const open = () =>
    openToldHouse({
      servers: { inn: { url: peer.url } },
      telemetry: { otlp: { endpoint: collector.url, metrics: false, logs: false } },
      more: { policy: { folder: 'policies', groups: { ops: ['operator'] } } },
      data,
    })
  try {
    const first = await open()
    const { message } = await ask(
      first.at('inn'),
      'tools/call',
      { name: 'book' },
      {
        meta: { traceparent, tracestate: 'of=the-day-before' },
      },
    )
    const task = /task_[\w-]+/.exec(message.result.content[0].text)?.[0] ?? ''
    await first[Symbol.asyncDispose]()
    const creation = collector.spans().find(({ parentId }) => parentId === AGENT)
    assert.equal(peer.got('tools/call').length, 0)

    await using second = await open()
    const { admin, gateway } = second.house
    const [approval] = await admin.listApprovals({})
    await admin.decideApproval({ id: approval?.id ?? '', verdict: 'approve' })
    await gateway.desk.finished(task, AbortSignal.timeout(20_000))
    await second.stop()

    const attempts = collector.spans().filter(({ name }) => name === 'call inn book')
    const [asked, sent] = attempts
    // The first was part of the request, and came to a question; the second is of another day.
    assert.equal(asked?.attributes[ATTRIBUTES.outcome], 'asked')
    assert.equal(asked.parentId, creation?.spanId)
    assert.equal(sent?.attributes[ATTRIBUTES.outcome], 'answered')
    assert.equal(sent.parentId, '')
    assert.deepEqual(sent.links, [{ traceId: TRACE, spanId: creation?.spanId }])
    assert.equal(attempts.length, 2)
    const passed = peer.got('tools/call').at(-1)?.body.params._meta
    assert.ok(passed.traceparent.includes(sent.traceId))
    assert.equal(passed.tracestate, undefined)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
