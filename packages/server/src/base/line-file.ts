import { open, stat, type FileHandle } from 'node:fs/promises'

/** A file of lines that others read while it grows: what was appended is on the disk, whole. */
export interface LineFile extends AsyncDisposable {
  /** The last whole line there was when the file was opened; undefined in an empty one. */
  readonly last: string | undefined
  /** How a line begins that a crash cut short at the end of the file; undefined when there is none. */
  readonly torn: string | undefined
  /** Cuts that off. */
  readonly mend: () => Promise<void>
  /** Resolves once all of it is on the disk. What fails leaves the file as it was. */
  readonly append: (text: string) => Promise<void>
  /** False when the file was moved away or removed: whoever goes on opens it again. */
  readonly isThere: () => Promise<boolean>
}

const LINE_FEED = 10
const CHUNK_BYTES = 65_536
/** The longest line that is looked for at the end. */
const TAIL_BYTES_MAX = 67_108_864

/** Opens the file, or makes it, readable by its owner alone. */
export async function openLineFile(path: string): Promise<LineFile> {
  const file = await open(path, 'a+', 0o600)
  try {
    // What comes out of a pipe or a terminal cannot be looked at again, nor be kept.
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`)
    return lineFile(path, file, await endOf(file))
  } catch (thrown) {
    await file.close()
    throw thrown
  }
}

const lineFile = (path: string, file: FileHandle, { last, torn, whole }: End): LineFile => ({
  last,
  torn,
  mend: async () => {
    if (torn === undefined) return
    await file.truncate(whole)
    await file.datasync()
  },
  append: async (text) => {
    const { size } = await file.stat()
    try {
      await file.appendFile(text)
      await file.datasync()
    } catch (thrown) {
      // Half a line is worse than none: whoever reads along would take it for one.
      await file.truncate(size).catch(() => undefined)
      throw thrown
    }
  },
  isThere: async () => {
    const [ours, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)])
    return named !== undefined && named.ino === ours.ino && named.dev === ours.dev
  },
  [Symbol.asyncDispose]: () => file.close(),
})

interface End {
  readonly last: string | undefined
  readonly torn: string | undefined
  /** The bytes up to the end of the last whole line. */
  readonly whole: number
}

/** Reads backwards until the last whole line has its beginning. */
async function endOf(file: FileHandle): Promise<End> {
  const { size } = await file.stat()
  let tail = Buffer.alloc(0)
  for (let from = size; ;) {
    const end = tail.lastIndexOf(LINE_FEED)
    const begin = end < 1 ? -1 : tail.lastIndexOf(LINE_FEED, end - 1)
    if (from === 0 || begin !== -1) return endIn(tail, begin, end, from)
    if (tail.length > TAIL_BYTES_MAX) throw new Error('a line without end')
    const at = Math.max(0, from - CHUNK_BYTES)
    const chunk = Buffer.alloc(from - at)
    await file.read(chunk, 0, chunk.length, at)
    tail = Buffer.concat([chunk, tail])
    from = at
  }
}

function endIn(tail: Buffer, begin: number, end: number, from: number): End {
  const rest = tail.subarray(end + 1)
  return {
    last: end === -1 ? undefined : tail.subarray(begin + 1, end).toString('utf8'),
    torn: rest.length === 0 ? undefined : rest.subarray(0, TORN_BYTES_SHOWN).toString('utf8'),
    whole: from + end + 1,
  }
}

const TORN_BYTES_SHOWN = 64
