import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soundItems } from './sound-items.ts'

const read = (text: string) => soundItems(text, JSON.parse(text).result, 'tools')
const page = (...items: readonly string[]): string =>
  `{"jsonrpc":"2.0","id":1,"result":{"tools":[${items.join(' , ')}]}}`

test('a sound page is taken whole', () => {
  assert.deepEqual(read(page('{"name":"a"}', '{"name":"b"}')), {
    items: [{ name: 'a' }, { name: 'b' }],
    problems: [],
  })
})

test('an item that two readers could read differently is refused, the others are kept', () => {
  const text = page(
    '{"name":"a"}',
    '{"name":"twice","description":"good","description":"evil"}',
    '{"name":"big","inputSchema":{"maximum":9007199254740993}}',
    '"text"',
  )
  assert.deepEqual(read(text), {
    items: [{ name: 'a' }],
    problems: [
      '"twice" was refused: duplicate key "description".',
      '"big" was refused: unsafe integer 9007199254740993.',
      'Number 4 of tools was refused: not an object.',
    ],
  })
})

test('trouble outside the items costs the page', () => {
  const text = '{"result":{"tools":[{"name":"a"}],"tools":[{"name":"b"}]}}'
  assert.deepEqual(read(text), {
    items: [],
    problems: ['A page of tools was refused: duplicate key "tools".'],
  })
})

test('a page without a list says so', () => {
  assert.deepEqual(read('{"result":{}}'), { items: [], problems: ['A page has no list of tools.'] })
})
