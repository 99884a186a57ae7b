import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dispatcher } from 'undici'
import { HttpExchange, type BodyMode, type HttpEnd } from './http-exchange.ts'

const controller: Dispatcher.DispatchController & { aborts: number } = {
  aborted: false,
  paused: false,
  reason: null,
  aborts: 0,
  abort: () => void controller.aborts++,
  pause: () => undefined,
  resume: () => undefined,
}

const hear = (mode: BodyMode, bytesMax = 1_000) => {
  const heard = {
    starts: 0,
    texts: [] as string[],
    events: [] as unknown[],
    ids: [] as string[],
    retries: [] as number[],
    ends: [] as HttpEnd['kind'][],
  }
  const exchange = new HttpExchange(
    {
      started: () => heard.starts++,
      head: () => mode,
      text: (text) => heard.texts.push(text),
      event: ({ event, data }) => heard.events.push([event, data]),
      eventId: (id) => heard.ids.push(id),
      retry: (ms) => heard.retries.push(ms),
      closed: ({ kind }) => heard.ends.push(kind),
    },
    bytesMax,
  )
  return { heard, exchange }
}

const play = (exchange: HttpExchange, chunks: readonly Buffer[], headers = {}): void => {
  exchange.onRequestStart(controller)
  exchange.onResponseStart(controller, 200, headers)
  for (const chunk of chunks) exchange.onResponseData(controller, chunk)
  exchange.onResponseEnd()
}

// H-047
test('any chunking of an event stream yields the same events', () => {
  const event = fc.record({
    name: fc.constantFrom(undefined, 'message', 'other'),
    id: fc.option(fc.stringMatching(/^[a-z0-9]{1,8}$/), { nil: undefined }),
    data: fc.json({ stringUnit: 'binary' }),
    comment: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.nat()), (events, places) => {
      const text = events
        .map(({ name, id, data, comment }) =>
          [
            comment ? ': still here\n' : '',
            name === undefined ? '' : `event: ${name}\n`,
            id === undefined ? '' : `id: ${id}\n`,
            // JSON may hold line separators that are none to a stream, but no raw line ends.
            `data: ${data}\n\n`,
          ].join(''),
        )
        .join('')
      const bytes = Buffer.from(text)
      const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length]
      const sorted = [0, ...ends.toSorted((a, b) => a - b)]
      const chunks = sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end))
      const { heard, exchange } = hear('events', 1_000_000)
      play(exchange, chunks)
      assert.deepEqual(
        heard.events,
        events.map(({ name, data }) => [name, data]),
      )
      assert.deepEqual(
        heard.ids,
        events.flatMap(({ id }) => id ?? []),
      )
      assert.deepEqual(heard.ends, ['complete'])
    }),
  )
})

test('a text beyond the limit is refused by its length, or when it gets there', () => {
  const told = hear('text', 10)
  play(told.exchange, [], { 'content-length': '11' })
  const counted = hear('text', 10)
  play(counted.exchange, [Buffer.alloc(6), Buffer.alloc(6), Buffer.alloc(6)])
  for (const { heard } of [told, counted]) {
    assert.deepEqual([heard.texts, heard.ends], [[], ['too-large']])
  }
})

test('an event beyond the limit is refused, many small ones are not', () => {
  const big = hear('events', 100)
  play(big.exchange, [Buffer.from(`data: ${'x'.repeat(80)}`), Buffer.from('x'.repeat(80))])
  assert.deepEqual(big.heard.ends, ['too-large'])
  const small = hear('events', 100)
  play(
    small.exchange,
    Array.from({ length: 50 }, () => Buffer.from('data: x\n\n')),
  )
  assert.equal(small.heard.events.length, 50)
})

test('after it was aborted nothing is reported, and a late start is refused', () => {
  const { heard, exchange } = hear('text')
  exchange.abort()
  const before = controller.aborts
  play(exchange, [Buffer.from('{}')])
  exchange.onResponseError(controller, new Error('late'))
  assert.equal(controller.aborts, before + 1)
  assert.deepEqual([heard.starts, heard.texts, heard.ends], [0, [], []])
})

// BR-012
test('a request leaves once, whatever the pool does', () => {
  const { heard, exchange } = hear('text')
  const before = controller.aborts
  exchange.onRequestStart(controller)
  exchange.onRequestStart(controller)
  assert.deepEqual([heard.starts, controller.aborts], [1, before + 1])
})
