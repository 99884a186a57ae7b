import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { bar, inNumbers, partOf } from './progress.ts'
import { StatusLine } from './status-line.ts'
import { about, lasting, newsIn, said, standing, type Line } from './words.ts'

const line = (more: Partial<Line> = {}): Line => ({
  id: 'task_AAAAAAAAAAAAAAAAAAAAAA',
  kind: 'call',
  state: 'working',
  owner: 'local',
  server: 'files',
  tool: 'index',
  createdAt: 0,
  updatedAt: 0,
  expiresAt: 1,
  asks: [],
  isError: false,
  ...more,
})

describe('a task in words', () => {
  test('says how far it is, by its numbers or by the words of its server', () => {
    assert.deepEqual(partOf(line({ progress: { done: 3 } })), { done: 3, total: undefined })
    assert.deepEqual(partOf(line({ status: 'page 3 of 10' })), { done: 3, total: 10 })
    assert.deepEqual(partOf(line({ status: 'files: 12/40' })), { done: 12, total: 40 })
    assert.deepEqual(partOf(line({ status: 'at 45.5 %' })), { done: 45, total: 100 })
    assert.equal(partOf(line({ status: 'reading' })), undefined)
    assert.equal(bar({ done: 5, total: 10 }), `${'█'.repeat(10)}${'░'.repeat(10)}  5 of 10`)
    assert.equal(bar({ done: 99, total: 10 }), `${'█'.repeat(20)}  99 of 10`)
    assert.equal(bar({ done: 7, total: 0 }), '7 of 0')
    assert.equal(inNumbers(undefined), '')
  })

  test('says how it stands: an error is no success, and a look that is due soon no wait', () => {
    assert.equal(standing(line({ state: 'completed', isError: true })), 'completed (error)')
    assert.equal(standing(line({ asks: ['Sure?'] })), 'asks')
    assert.equal(standing(line({ state: 'waiting', dueAt: 1_000 })), 'working')
    assert.match(standing(line({ state: 'waiting', dueAt: 60_000 })), /^waiting until \d\d:/)
    const tomorrow = standing(line({ state: 'waiting', dueAt: 86_400_000 }))
    assert.match(tomorrow, /^waiting until Jan 0[12] \d\d:/)
    assert.equal(said(line({ state: 'unknown' })), 'it may have happened; settle it')
    assert.equal(said(line({ status: 'Reading (3 of 10)' })), 'Reading')
    assert.equal(said(line({ error: { message: 'No.\nmore' }, status: 'x' })), 'No.')
  })

  test('names what takes calls back by what it takes back', () => {
    assert.equal(about(line()), 'files index')
    assert.equal(about(line({ kind: 'undo', undoes: ['a'] })), 'undo of a')
    assert.equal(about(line({ kind: 'undo-run', undoes: ['a'], run: 'trip' })), 'undo of run trip')
  })

  test('has no news as long as nothing but the time has changed', () => {
    const before = newsIn(line({ state: 'waiting', dueAt: 1_000 }))
    assert.equal(before, newsIn(line({ state: 'waiting', dueAt: 9_000, updatedAt: 8_000 })))
    assert.notEqual(before, newsIn(line({ progress: { done: 1 } })))
  })

  test('counts time in the unit that a person would', () => {
    const given = [-5, 400, 59_000, 90_000, 7_200_000, 3 * 86_400_000]
    assert.deepEqual(given.map(lasting), ['0 ms', '400 ms', '59 s', '2 min', '2 h', '3 d'])
  })
})

const screenOf = (
  isTTY: boolean,
): { screen: PassThrough & { isTTY: boolean }; text: () => string } => {
  const screen = Object.assign(new PassThrough(), { isTTY, columns: 20 })
  return { screen, text: () => String(screen.read() ?? '') }
}

describe('a status line', () => {
  test('is drawn over itself on a terminal, and leaves nothing there', () => {
    const { screen, text } = screenOf(true)
    {
      using status = new StatusLine(screen)
      status.show('one')
      status.show('a line that is longer than it is wide')
    }
    assert.equal(text(), '\r\u001B[2Kone\r\u001B[2Ka line that is long\r\u001B[2K')
  })

  test('is a plain line for each news elsewhere, and obeys nothing', () => {
    const { screen, text } = screenOf(false)
    using status = new StatusLine(screen)
    status.show('one 1 s', 'one')
    status.show('one 2 s', 'one')
    status.show('two \u001B[2J', 'two')
    assert.equal(text(), 'one 1 s\ntwo \\u001b[2J\n')
  })
})
