import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventStream, readEventId, type Sink } from './event-stream.ts'

interface Seen {
  readonly id: string
  readonly text: string
}

/** A client's side of one carrier: what it read, until it was cut off or told to go. */
class Carrier implements Sink {
  readonly seen: Seen[] = []
  isEnded = false
  #isCut = false
  write(chunk: string): void {
    if (this.#isCut) return
    const id = /^id: (.*)$/m.exec(chunk)?.[1]
    const data = /^data: (.*)$/m.exec(chunk)?.[1]
    if (id !== undefined) this.seen.push({ id, text: data ?? '' })
  }
  end(): void {
    this.isEnded = true
  }
  cut(): void {
    this.#isCut = true
  }
}

const note = (at: number) => ({ jsonrpc: '2.0', method: 'note', params: { at } }) as const

test('whatever is sent, dropped and resumed, each message arrives once and in order', () => {
  // H-073, H-074
  const step = fc.constantFrom('send', 'drop', 'break', 'resume')
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, primed) => {
      const stream = new EventStream('s')
      let carrier = new Carrier()
      let isThere = true
      const got: Seen[] = []
      stream.attach(carrier)
      if (primed) stream.prime()
      let sent = 0
      const leave = (): void => {
        got.push(...carrier.seen)
        isThere = false
      }
      const come = (): void => {
        if (isThere) leave() // The old one is half open: the new one takes over.
        const last = got.at(-1)
        const old = carrier
        carrier = new Carrier()
        stream.attach(carrier, last === undefined ? 0 : readEventId(last.id)?.seq)
        assert.ok(old.isEnded || !stream.isAttached || old !== carrier)
        isThere = true
      }
      for (const one of steps) {
        if (one === 'send') stream.send(note(++sent))
        else if (one === 'resume') come()
        else if (isThere) {
          // Noticed by us, or not noticed at all: the client sees the same.
          if (one === 'drop') stream.detach(carrier)
          carrier.cut()
          leave()
        }
      }
      come()
      leave()
      const texts = got.map(({ text }) => text).filter((text) => text !== '')
      assert.deepEqual(
        texts.map((text) => JSON.parse(text).params.at),
        Array.from({ length: sent }, (_, at) => at + 1),
      )
      assert.equal(new Set(got.map(({ id }) => id)).size, got.length)
    }),
    { numRuns: 500 },
  )
})

test('a stream that is over is replayed to its end and closed', () => {
  const stream = new EventStream('s')
  const first = new Carrier()
  stream.attach(first)
  stream.send(note(1))
  stream.send(note(2))
  stream.end()
  assert.ok(first.isEnded)
  stream.send(note(3))
  const second = new Carrier()
  stream.attach(second, 1)
  assert.deepEqual(
    second.seen.map(({ id }) => id),
    ['s.2'],
  )
  assert.ok(second.isEnded)
})

test('a client that is away for long costs a bounded amount, and the newest messages are kept', () => {
  const stream = new EventStream('s')
  for (let at = 1; at <= 10_000; at++) stream.send(note(at))
  const many = new Carrier()
  stream.attach(many, 0)
  assert.ok(many.seen.length > 0 && many.seen.length <= 1_000)
  assert.equal(many.seen.at(-1)?.id, 's.10000')
  const big = new EventStream('b')
  for (let at = 1; at <= 100; at++) {
    big.send({ jsonrpc: '2.0', method: 'note', params: { text: 'x'.repeat(500_000) } })
  }
  const few = new Carrier()
  big.attach(few, 0)
  assert.ok(few.seen.length < 20)
})

test('an event id names its stream and its place, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), (stream, seq) => {
      assert.deepEqual(readEventId(`${stream}.${String(seq)}`), { stream, seq })
    }),
  )
  for (const bad of ['', '.', '.1', 'x', 'x.', 'x.y', 'x.1.5e400', 'x.Infinity', 'x.NaN']) {
    const read = readEventId(bad)
    assert.ok(read === undefined || Number.isSafeInteger(read.seq), bad)
  }
  assert.equal(readEventId('x.y'), undefined)
})
