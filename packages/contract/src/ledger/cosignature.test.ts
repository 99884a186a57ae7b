import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  cosignatureBytes,
  cosignedText,
  cosignerId,
  cosignersOf,
  formatCosigner,
  parseCosigner,
  type CosignerKey,
} from './cosignature.ts'
import { followKeys, handoverText, readHandover } from './handover.ts'
import {
  formatKey,
  formatNote,
  keyIdOf,
  parseKey,
  parseNote,
  type NoteKey,
  type SignatureLine,
} from './note.ts'

interface Pair {
  readonly key: NoteKey
  readonly privateKey: KeyObject
}
function newPair(name: string): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: { name, key: new Uint8Array(raw) }, privateKey }
}

const bytesSigned = (text: string, { privateKey }: Pair): Uint8Array =>
  new Uint8Array(sign(null, Buffer.from(text), privateKey))

const TEXT = 'house.example/ledger\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
const WITNESS = newPair('witness.example/w1')
const COSIGNER: CosignerKey = { ...WITNESS.key, isCosigner: true }

function cosigned(text: string, seenAt: number): string {
  const signature = cosignatureBytes(seenAt, bytesSigned(cosignedText(text, seenAt), WITNESS))
  const line = { name: COSIGNER.name, keyId: cosignerId(COSIGNER), signature }
  return formatNote({ text, signatures: [line] })
}

test('a cosignature counts for its witness, its time and its checkpoint alone (AU-034)', async () => {
  const note = parseNote(cosigned(TEXT, 1_795_000_000))
  assert.ok(note)
  assert.deepEqual(await cosignersOf(note, [COSIGNER]), [{ by: COSIGNER, seenAt: 1_795_000_000 }])
  const other: CosignerKey = { ...newPair(COSIGNER.name).key, isCosigner: true }
  assert.deepEqual(await cosignersOf(note, [other]), [])
  assert.deepEqual(await cosignersOf({ ...note, text: TEXT.replace('7', '8') }, [COSIGNER]), [])
  const [line] = note.signatures
  assert.ok(line)
  await fc.assert(
    fc.asyncProperty(
      fc.nat(line.signature.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, by) => {
        const signature = line.signature.map((byte, place) => (place === at ? byte ^ by : byte))
        assert.deepEqual(
          await cosignersOf({ ...note, signatures: [{ ...line, signature }] }, [COSIGNER]),
          [],
        )
      },
    ),
    { numRuns: 60 },
  )
  assert.deepEqual(await cosignersOf({ ...note, signatures: [line, line] }, [COSIGNER]), [])
})

test('the key of a witness is read only as it was written, and is no key of a ledger', () => {
  const text = formatCosigner(COSIGNER)
  assert.deepEqual(parseCosigner(text), COSIGNER)
  assert.equal(parseKey(text), undefined)
  assert.equal(parseCosigner(formatKey(WITNESS.key)), undefined)
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('A', 'b', '7', '+', ' '), (at, char) => {
      const bent = `${text.slice(0, at)}${char}${text.slice(at + 1)}`
      assert.ok(bent === text || parseCosigner(bent) === undefined || bent.trim() === text)
    }),
  )
})

const ORIGIN = 'house.example/ledger'
const lineOf = (text: string, by: Pair): SignatureLine => ({
  name: by.key.name,
  keyId: keyIdOf(by.key),
  signature: bytesSigned(text, by),
})
function handedOver(before: Pair | undefined, next: Pair, signers: readonly Pair[]): string {
  const text = handoverText({ origin: ORIGIN, before: before?.key, key: next.key })
  return formatNote({ text, signatures: signers.map((one) => lineOf(text, one)) })
}

test('a handover is one when both keys have signed it, and leads from the old one to the new one', async () => {
  const [one, two, three] = [newPair(ORIGIN), newPair(ORIGIN), newPair(ORIGIN)]
  const first = handedOver(one, two, [one, two])
  const second = handedOver(two, three, [two, three])
  assert.deepEqual((await readHandover(first))?.key, two.key)
  assert.equal(await readHandover(handedOver(one, two, [one])), undefined)
  assert.equal(await readHandover(handedOver(one, two, [two])), undefined)
  assert.equal(await readHandover(handedOver(one, two, [two, three])), undefined)
  assert.equal((await readHandover(handedOver(undefined, two, [two])))?.before, undefined)
  // In whatever order they are told.
  const led = await followKeys([one.key], [second, first])
  assert.deepEqual(led, [one.key, two.key, three.key])
  assert.deepEqual(await followKeys([three.key], [first, second]), [three.key])
  assert.deepEqual(await followKeys([one.key], [second]), [one.key])
  assert.deepEqual(await followKeys([one.key], [handedOver(undefined, two, [two])]), [one.key])
  await fc.assert(
    fc.asyncProperty(
      fc.nat(first.length - 1),
      fc.constantFrom('A', 'z', '\n', '+'),
      async (at, char) => {
        const bent = `${first.slice(0, at)}${char}${first.slice(at + 1)}`
        assert.ok(bent === first || (await readHandover(bent)) === undefined)
      },
    ),
    { numRuns: 200 },
  )
})
