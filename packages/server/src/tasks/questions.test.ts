import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InputRequest } from '@countersign/contract'
import type { InputAnswer } from '#upstream'
import { Questions, type Ask } from './questions.ts'

const QUESTION: InputRequest = { method: 'roots/list' }
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Somebody who can be asked, and who answers when told to. */
function makeAsker() {
  const asked: { answer: (answer: InputAnswer) => void; readonly withdrawn: AbortSignal }[] = []
  const ask: Ask = (_request, withdrawn) =>
    new Promise((resolve) => {
      asked.push({ answer: resolve, withdrawn })
      withdrawn.addEventListener('abort', () => {
        resolve({ kind: 'error', error: { code: -32603, message: 'withdrawn' } })
      })
    })
  return { ask, asked }
}

// TL-018
test('a question is put to one who can be asked, and to the next when that one goes', async () => {
  const questions = new Questions('q', () => undefined)
  const [first, second] = [makeAsker(), makeAsker()]
  const leave = questions.attach(first.ask)
  questions.attach(second.ask)
  const answered = questions.ask(QUESTION, new AbortController().signal)
  assert.deepEqual([first.asked.length, second.asked.length], [1, 0])
  leave()
  await settled()
  assert.ok(first.asked[0]?.withdrawn.aborted)
  assert.equal(second.asked.length, 1)
  second.asked[0]?.answer({ kind: 'result', result: { roots: [] } })
  assert.deepEqual(await answered, { kind: 'result', result: { roots: [] } })
  assert.equal(questions.size, 0)
})

// TL-018
test('whoever comes takes over from one whose connection broke without a word', async () => {
  const questions = new Questions('q', () => undefined)
  const [first, second] = [makeAsker(), makeAsker()]
  let isGone = false
  questions.attach(first.ask, () => isGone)
  void questions.ask(QUESTION, new AbortController().signal)
  isGone = true
  questions.attach(second.ask)
  await settled()
  assert.ok(first.asked[0]?.withdrawn.aborted)
  assert.equal(second.asked.length, 1)
})

// TX-017
test('whoever answers first has answered, and the other is no longer asked', async () => {
  const questions = new Questions('q', () => undefined)
  const asker = makeAsker()
  questions.attach(asker.ask)
  const answered = questions.ask(QUESTION, new AbortController().signal)
  questions.answer({ q1: { roots: ['mine'] }, q2: {}, stranger: 5 })
  assert.deepEqual(await answered, { kind: 'result', result: { roots: ['mine'] } })
  assert.ok(asker.asked[0]?.withdrawn.aborted)
})

test('a question waits for somebody to come, and is told to whoever watches', async () => {
  let changes = 0
  const questions = new Questions('q', () => void changes++)
  const answered = questions.ask(QUESTION, new AbortController().signal)
  assert.deepEqual(questions.all(), { q1: QUESTION })
  const asker = makeAsker()
  questions.attach(asker.ask)
  asker.asked[0]?.answer({ kind: 'error', error: { code: -1, message: 'no' } })
  assert.equal((await answered).kind, 'error')
  assert.equal(changes, 2)
})

// TX-015
test('a key that was used is not used again', async () => {
  const questions = new Questions('life2-', () => undefined)
  const withdraw = new AbortController()
  const first = questions.ask(QUESTION, withdraw.signal)
  withdraw.abort()
  assert.equal((await first).kind, 'error')
  void questions.ask(QUESTION, new AbortController().signal)
  assert.deepEqual(Object.keys(questions.all()), ['life2-2'])
})

// I-004
test('a question passes by whoever did not declare that they can be asked it', async () => {
  const questions = new Questions('q', () => undefined)
  const [mute, able] = [makeAsker(), makeAsker()]
  questions.attach(mute.ask, undefined, () => false)
  const answered = questions.ask(QUESTION, new AbortController().signal)
  assert.equal(mute.asked.length, 0)
  questions.attach(able.ask, undefined, () => true)
  able.asked[0]?.answer({ kind: 'result', result: { roots: [] } })
  assert.deepEqual(await answered, { kind: 'result', result: { roots: [] } })
})
