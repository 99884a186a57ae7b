/** A network in a file of the safetensors format: a header in JSON, then the numbers. Other tools read it. */
import { readFile } from 'node:fs/promises'
import { endianness } from 'node:os'
import { z } from 'zod'
import { byName, SHAPES, type Name, type Numbers, type State } from './network.ts'
import { writeWhole } from './write-whole.ts'

const Tensor = z.object({
  dtype: z.literal('F32'),
  shape: z.array(z.int()),
  /** Where its numbers begin and end, in bytes after the header. */
  data_offsets: z.tuple([z.int(), z.int()]),
})
const Header = z.record(z.string(), Tensor)

const LENGTH_BYTES = 8
const GROUPS = ['weights', 'momentum'] as const
const keyOf = (group: string, name: Name): string => `${group}.${name}`

/** The bytes of a network in training. */
function encode(state: State): Buffer {
  // The format says little-endian, and so is every processor that Node runs on, but for one.
  if (endianness() !== 'LE') throw new Error('This machine writes its numbers the other way round.')
  const header: z.input<typeof Header> = {}
  const parts: Uint8Array[] = []
  let end = 0
  for (const group of GROUPS) {
    byName((name) => {
      const { buffer, byteOffset, byteLength } = state[group][name]
      const start = end
      end += byteLength
      header[keyOf(group, name)] = { dtype: 'F32', shape: SHAPES[name], data_offsets: [start, end] }
      parts.push(new Uint8Array(buffer, byteOffset, byteLength))
    })
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, ...parts])
}

/** @throws Error for bytes that are no network of this size. */
function decode(file: Buffer): State {
  const start = LENGTH_BYTES + Number(file.readBigUInt64LE())
  const text = file.subarray(LENGTH_BYTES, start).toString()
  const header = Header.parse(JSON.parse(text))
  const take = (group: string): Numbers =>
    byName((name) => {
      const tensor = header[keyOf(group, name)]
      if (String(tensor?.shape) !== String(SHAPES[name])) throw new Error(`It has no ${name}.`)
      const [from = 0, to = 0] = tensor?.data_offsets ?? []
      // A copy, so that the numbers begin where four bytes make one.
      return new Float32Array(Uint8Array.from(file.subarray(start + from, start + to)).buffer)
    })
  return { weights: take('weights'), momentum: take('momentum') }
}

/** Writes a network. */
export const writeState = (path: string, state: State, signal: AbortSignal): Promise<void> =>
  writeWhole(path, encode(state), signal)

/** @throws Error for a file that is no network of this size. */
export async function readState(path: string): Promise<State> {
  const file = await readFile(path)
  try {
    return decode(file)
  } catch (cause) {
    throw new Error(`${path} is no network that was written here.`, { cause })
  }
}
