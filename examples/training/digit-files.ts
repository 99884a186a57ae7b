/** Images and labels in the IDX format of the MNIST files: a header of big-endian numbers, then bytes. */
import { readFile } from 'node:fs/promises'
import { writeWhole } from './write-whole.ts'

/** Pixels along each side of an image. */
export const SIDE = 16

/** Digits, one after the other: `SIDE` × `SIDE` bytes of ink each, and what they are. */
export interface Digits {
  readonly images: Uint8Array
  readonly labels: Uint8Array
}

/** The third byte says "unsigned bytes", the fourth how many dimensions there are. */
const IMAGES = 0x0803
const LABELS = 0x0801

/** Writes `{name}-images.idx3-ubyte` and `{name}-labels.idx1-ubyte` into a folder. */
export async function writeDigits(stem: string, { images, labels }: Digits): Promise<void> {
  const sizes = [labels.length, SIDE, SIDE]
  await writeWhole(imagesOf(stem), Buffer.concat([header(IMAGES, sizes), images]))
  await writeWhole(labelsOf(stem), Buffer.concat([header(LABELS, [labels.length]), labels]))
}

/** @throws Error for files that are not of this format and size. */
export async function readDigits(stem: string): Promise<Digits> {
  const images = await readIdx(imagesOf(stem), IMAGES)
  const labels = await readIdx(labelsOf(stem), LABELS)
  const [count = 0, rows, columns] = images.sizes
  if (rows !== SIDE || columns !== SIDE || count !== labels.sizes[0]) {
    throw new Error(`${stem}: it is not as many images of ${String(SIDE)} pixels as labels.`)
  }
  return { images: images.bytes, labels: labels.bytes }
}

const imagesOf = (stem: string): string => `${stem}-images.idx3-ubyte`
/** Written last: when it is there, so are the images. */
export const labelsOf = (stem: string): string => `${stem}-labels.idx1-ubyte`

const NUMBER_BYTES = 4

function header(magic: number, sizes: readonly number[]): Buffer {
  const bytes = Buffer.alloc(NUMBER_BYTES * (1 + sizes.length))
  for (const [at, value] of [magic, ...sizes].entries())
    bytes.writeUInt32BE(value, at * NUMBER_BYTES)
  return bytes
}

async function readIdx(
  path: string,
  magic: number,
): Promise<{ sizes: number[]; bytes: Uint8Array }> {
  const file = await readFile(path)
  const dimensions = magic & 0xff
  const start = NUMBER_BYTES * (1 + dimensions)
  const sizes = Array.from({ length: dimensions }, (_, at) => (at + 1) * NUMBER_BYTES).map((at) =>
    at + NUMBER_BYTES <= file.length ? file.readUInt32BE(at) : 0,
  )
  const bytes = sizes.reduce((product, size) => product * size, 1)
  if (file.length < start || file.readUInt32BE() !== magic || file.length !== start + bytes) {
    throw new Error(`${path} is not a whole IDX file of this kind.`)
  }
  return { sizes, bytes: file.subarray(start) }
}
