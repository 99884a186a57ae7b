import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { InputRequest } from '@countersign/contract'
import { systemWorld, type World } from '#base'
import type { InputAnswer } from '#upstream'
import { Conversation, type Listener, type Turn } from './conversation.ts'
import { makeParking } from './parking.ts'

/** A world whose clock goes on when it is told to. */
function makeClock(): World & { readonly pass: (ms: number) => void } {
  let clock = 0
  const timers = new Map<object, { readonly at: number; readonly ring: () => void }>()
  return {
    ...systemWorld,
    now: () => clock,
    monotonic: () => clock,
    after: (ms, ring) => {
      const key = {}
      timers.set(key, { at: clock + ms, ring })
      return () => void timers.delete(key)
    },
    pass: (ms) => {
      clock += ms
      for (const [key, { at, ring }] of timers) {
        if (at <= clock && timers.delete(key)) ring()
      }
    },
  }
}

const GATHER = 1_000
const QUESTION: InputRequest = { method: 'roots/list' }
/** Every promise that can settle now has settled. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Asked {
  readonly number: number
  readonly withdraw: AbortController
  readonly answer: Promise<InputAnswer>
}

/** A call that asks when it is told to, and ends when it is told to. */
function makeCall(world: World) {
  let ask: (request: InputRequest, signal: AbortSignal) => Promise<InputAnswer>
  let finish: (outcome: string) => void = () => undefined
  const conversation = new Conversation<string>(world, ({ questions }) => {
    ask = (request, signal) => questions.ask(request, signal)
    return new Promise((resolve) => {
      finish = resolve
    })
  })
  const asked: Asked[] = []
  return {
    conversation,
    asked,
    ask: () => {
      const withdraw = new AbortController()
      asked.push({ number: asked.length, withdraw, answer: ask(QUESTION, withdraw.signal) })
    },
    finish: () => finish('done'),
  }
}

test('questions that come together share a round, and the outcome ends it', async () => {
  // BR-032, I-013
  const world = makeClock()
  const { conversation, ask, asked, finish } = makeCall(world)
  const first = conversation.next()
  ask()
  ask()
  world.pass(GATHER)
  const turn = await first
  assert.equal(turn.kind, 'questions')
  const keys = Object.keys(turn.kind === 'questions' ? turn.questions : {})
  assert.equal(keys.length, 2)
  // The same turn again for a client whose answer got lost.
  assert.deepEqual(await conversation.next(), turn)
  conversation.answer({ [keys[0]!]: { roots: [] }, stranger: {}, [keys[1]!]: 7 })
  const again = await conversation.next()
  assert.deepEqual(Object.keys(again.kind === 'questions' ? again.questions : {}), [keys[1]])
  conversation.answer({ [keys[0]!]: { roots: ['late'] }, [keys[1]!]: {} })
  assert.deepEqual(await Promise.all(asked.map(({ answer }) => answer)), [
    { kind: 'result', result: { roots: [] } },
    { kind: 'result', result: {} },
  ])
  finish()
  assert.deepEqual(await conversation.next(), { kind: 'done', outcome: 'done' })
  assert.deepEqual(await conversation.next(), { kind: 'done', outcome: 'done' })
})

const keyOf = (number: number): string => `q${String(number + 1)}`
const keysOf = (turn: Turn<string>): readonly string[] =>
  Object.keys(turn.kind === 'questions' ? turn.questions : {})

/** What a promise resolved with, as soon as it has. */
function collect(answer: Promise<InputAnswer> | undefined): InputAnswer[] {
  const got: InputAnswer[] = []
  void answer?.then((one) => got.push(one))
  return got
}

test('in any order of asking, answering, withdrawing and looking, each question has one answer', async () => {
  // BR-036, I-009, AM-39
  const step = fc.oneof(
    fc.constant({ do: 'ask' as const }),
    fc.constant({ do: 'look' as const }),
    fc.constant({ do: 'pass' as const }),
    fc.record({
      do: fc.constantFrom('answer' as const, 'withdraw' as const, 'wrong' as const),
      at: fc.nat(9),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = makeClock()
      const { conversation, ask, asked, finish } = makeCall(world)
      const answers: InputAnswer[][] = []
      const turns: Promise<Turn<string>>[] = []
      const over = new Set<number>()
      const reply = (one: Extract<(typeof steps)[number], { at: number }>): void => {
        const target = asked[one.at % asked.length]
        if (!target) return
        const { number, withdraw } = target
        if (one.do === 'withdraw') withdraw.abort()
        else conversation.answer({ [keyOf(number)]: one.do === 'wrong' ? [] : { number } })
        if (one.do !== 'wrong') over.add(number)
      }
      for (const one of steps) {
        if (one.do === 'ask') {
          ask()
          answers.push(collect(asked.at(-1)?.answer))
        } else if (one.do === 'look') turns.push(conversation.next())
        else if (one.do === 'pass') world.pass(GATHER)
        else reply(one)
        await settled()
      }
      world.pass(GATHER)
      await settled()
      for (const [at, got] of answers.entries()) {
        assert.equal(got.length, over.has(at) ? 1 : 0)
        if (got[0]?.kind === 'result') assert.deepEqual(got[0].result, { number: at })
      }
      // What is still open is what somebody who looks now is shown.
      const open = asked.map(({ number }) => number).filter((number) => !over.has(number))
      if (open.length > 0) assert.deepEqual(keysOf(await conversation.next()), open.map(keyOf))
      finish()
      await settled()
      for (const turn of turns) assert.ok(['done', 'questions'].includes((await turn).kind))
      assert.equal((await conversation.next()).kind, 'done')
    }),
    { numRuns: 300 },
  )
})

test('a parked call belongs to its owner, is abandoned when it expires, and kept a while when it is over', async () => {
  // BR-035, BR-037, BR-041
  const world = makeClock()
  const parking = makeParking<ReturnType<typeof makeCall>>(world, 60_000)
  const mine = makeCall(world)
  const { abort } = mine.conversation
  const { id } = parking.park('ada', mine)
  assert.ok(parking.find('ada', id))
  assert.equal(parking.find('bob', id), undefined)
  assert.equal(parking.find('ada', 'park_x'), undefined)
  world.pass(59_999)
  assert.ok(!abort.signal.aborted)
  world.pass(1)
  assert.ok(abort.signal.aborted)
  const other = makeCall(world)
  const kept = parking.park('ada', other)
  other.finish()
  await settled()
  world.pass(60_000)
  assert.ok(parking.find('ada', kept.id), 'its outcome is kept for a retry whose answer got lost')
  world.pass(60 * 60_000)
  assert.equal(parking.find('ada', kept.id), undefined)
})

test('so many calls may wait for answers, and one more is refused and stopped', () => {
  // BR-041
  const world = makeClock()
  const parking = makeParking<ReturnType<typeof makeCall>>(world, 60_000)
  const park = (owner: string): void => {
    parking.park(owner, makeCall(world))
  }
  for (let at = 0; at < 64; at++) park('ada')
  const last = makeCall(world)
  assert.throws(() => parking.park('ada', last), {
    code: 'http/busy',
  })
  assert.ok(last.conversation.abort.signal.aborted)
  park('bob')
  parking.close()
  assert.equal(parking.count(), 0)
})

test('who only looked, and was sent to no page, hears of none', async () => {
  // I-045
  const { conversation, ask } = makeCall(makeClock())
  const heard: string[] = []
  const listener = (name: string, answers: boolean): Listener => ({
    progress: () => undefined,
    log: () => undefined,
    ask: () => new Promise(() => undefined),
    takes: () => answers,
    elicitationComplete: () => void heard.push(name),
  })
  const looks = [listener('asked', true), ...Array.from({ length: 9 }, () => listener('no', false))]
  const leave = looks.map((one) => conversation.attach(one))
  ask()
  for (const one of leave) one()
  conversation.elicitationComplete('page')
  assert.deepEqual(heard, ['asked'])
})

test('a call is parked once, however often it is looked at, and a task is not ended by it', () => {
  // BR-041
  const world = makeClock()
  const parking = makeParking<ReturnType<typeof makeCall>>(world, 60_000)
  const task = makeCall(world)
  task.conversation.isDeferred = true
  const { id } = parking.park('ada', task)
  for (let look = 0; look < 100; look++) assert.equal(parking.park('ada', { ...task }).id, id)
  assert.equal(parking.count(), 1)
  for (let others = 0; others < 63; others++) parking.park('ada', makeCall(world))
  const another = makeCall(world)
  another.conversation.isDeferred = true
  assert.throws(() => parking.park('ada', another), { code: 'http/busy' })
  assert.ok(!another.conversation.abort.signal.aborted)
})
