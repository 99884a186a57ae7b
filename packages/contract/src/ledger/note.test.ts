import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkpointText, parseCheckpoint } from './checkpoint.ts'
import {
  formatKey,
  formatNote,
  isKeyName,
  keyIdOf,
  parseKey,
  parseNote,
  signersOf,
  type NoteKey,
} from './note.ts'

/** The example of golang.org/x/mod/sumdb/note, where the format comes from. */
const NEUMANN = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const CRYPTOGRAPHY = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

function newKey(name: string): { readonly key: NoteKey; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: { name, key: new Uint8Array(raw) }, privateKey }
}
const signed = (text: string, ...by: readonly ReturnType<typeof newKey>[]): string =>
  formatNote({
    text,
    signatures: by.map(({ key, privateKey }) => ({
      name: key.name,
      keyId: keyIdOf(key),
      signature: new Uint8Array(sign(null, Buffer.from(text), privateKey)),
    })),
  })

test('the example of the format is read, and its signature holds', async () => {
  const key = parseKey(NEUMANN)
  const note = parseNote(CRYPTOGRAPHY)
  assert.ok(key && note)
  assert.equal(formatKey(key), NEUMANN)
  assert.equal(formatNote(note), CRYPTOGRAPHY)
  assert.deepEqual(await signersOf(note, [key]), [key])
  const bent = parseNote(CRYPTOGRAPHY.replace('answer', 'Answer'))
  assert.ok(bent)
  assert.deepEqual(await signersOf(bent, [key]), [])
})

test('of several signatures each counts for its own key', async () => {
  const [old, now, stranger] = [newKey('house/ledger'), newKey('house/ledger'), newKey('other')]
  const note = parseNote(signed('a\nb\n', old, now))
  assert.ok(note)
  const keys = [old.key, now.key, stranger.key]
  assert.deepEqual(await signersOf(note, keys), [old.key, now.key])
})

test('a key that signs twice signs nothing', async () => {
  const one = newKey('house')
  const note = parseNote(signed('a\n', one, one))
  assert.ok(note)
  assert.deepEqual(await signersOf(note, [one.key]), [])
})

test('what is not written as it must be is no note', () => {
  const note = signed('a\n', newKey('house'))
  for (const wrong of [
    '',
    'a\n',
    note.trimEnd(),
    note.replace('—', '-'),
    note.replace(' house', '  house'),
    note.replace('a\n', 'a\r\n'),
    note.replace('a\n', 'a\u0000\n'),
    note.replace('=\n', '\n'),
    `${note}more\n`,
    note.replace('house ', 'house AAAA'),
    'x'.repeat(200_000),
  ]) {
    const read = parseNote(wrong)
    assert.ok(read === undefined || formatNote(read) === wrong, JSON.stringify(wrong.slice(0, 80)))
    assert.notEqual(read === undefined ? '' : formatNote(read), note)
  }
  assert.throws(() => formatNote({ text: 'no newline', signatures: [] }), TypeError)
})

test('a key is read only as it was written', () => {
  assert.equal(parseKey(NEUMANN.replace('c74f', 'c74e')), undefined)
  assert.equal(parseKey(NEUMANN.replace('PeterNeumann', 'PeterNeuman')), undefined)
  assert.equal(parseKey(NEUMANN.slice(0, -4)), undefined)
  assert.equal(parseKey(''), undefined)
  assert.ok(!isKeyName('a b') && !isKeyName('a+b') && !isKeyName('') && isKeyName('gw.example/led'))
})

test('any text that is changed has lost its signature', async () => {
  const one = newKey('house')
  const text = 'house/ledger\n17\nAAAA\n'
  const note = signed(text, one)
  await fc.assert(
    fc.asyncProperty(fc.nat(note.length - 1), fc.integer({ min: 1, max: 127 }), async (at, by) => {
      const code = String.fromCharCode(note.charCodeAt(at) ^ by)
      const read = parseNote(note.slice(0, at) + code + note.slice(at + 1))
      assert.deepEqual(read ? await signersOf(read, [one.key]) : [], [])
    }),
  )
})

test('a checkpoint is read as it is written', () => {
  const root = new Uint8Array(32).fill(7)
  const checkpoint = { origin: 'house/ledger', size: 2 ** 40, root }
  assert.deepEqual(parseCheckpoint(checkpointText(checkpoint)), checkpoint)
  for (const wrong of [
    '',
    'a\n1\n',
    'a\n01\nAA==\n',
    'a\n-1\nAA==\n',
    '\n1\nAA==\n',
    'a\n1\nAA==\n',
  ]) {
    assert.equal(parseCheckpoint(wrong), undefined, wrong)
  }
})
