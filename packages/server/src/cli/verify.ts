import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault, isObject } from '@countersign/contract'
import {
  ExportVerifier,
  cosignersOf,
  isDoubled,
  parseCheckpoint,
  parseCosigner,
  parseKey,
  parseNote,
  RECEIPT_FORMAT,
  verifyReceipt,
  type CosignerKey,
  type ExportReport,
  type NoteKey,
  type Witnessed,
} from '@countersign/contract/ledger/index'
import { LineReader } from '#base'
import {
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textsOption,
  type Command,
  type Parsed,
} from './command.ts'
import { print, printJson, type Io } from './io.ts'
import { printable } from './printable.ts'

/** A line of an export is one entry, which is a few kilobytes. */
const LINE_BYTES_MAX = 16 * 1_024 * 1_024

export const verify: Command = {
  summary: 'Checks an export of a ledger, or a receipt: offline, with nothing but a public key.',
  usage: 'verify FILE --key KEY… [--witness FILE… [--witness-key KEY…]] [--json]',
  options: {
    ...JSON_OPTION,
    key: { type: 'string', short: 'k', multiple: true },
    witness: { type: 'string', short: 'w', multiple: true },
    'witness-key': { type: 'string', multiple: true },
  },
  help: `  FILE                what "countersign ledger export" or "countersign receipt" wrote; - reads
                      standard input
  -k, --key KEY       whose signature counts: the key itself, or a file with it. Get it from whoever runs
                      the gateway, by another way than the export: "countersign ledger key"
  -w, --witness FILE  a checkpoint that somebody else has kept, such as "countersign ledger key --json"
                      printed, or the file of a witness: what it saw must still be there
  --witness-key KEY   of a witness that cosigns: what it is to have seen counts with its signature only
${JSON_HELP}

Exit code 0: whole. 1: something was changed, removed, added or moved; the report says where.`,
  run: async (parsed, io) => {
    const [path] = parsed.positionals
    if (path === undefined) throw new Fault('rpc/bad-params', 'say which file: verify FILE')
    const keys = keysIn(parsed, io)
    const lines = linesOf(path, io)
    const first = await lines.next()
    const head: string = first.done === true ? '' : first.value
    if (head.includes(RECEIPT_FORMAT) && !head.startsWith('{"ledger"')) {
      return sayReceipt(parsed, io, head, keys)
    }
    const verifier = new ExportVerifier({ keys, witnesses: await witnessesIn(parsed, io) })
    await verifier.line(head)
    for await (const line of lines) await verifier.line(line)
    return sayExport(parsed, io, verifier.report())
  },
}

async function sayReceipt(
  parsed: Parsed,
  io: Io,
  text: string,
  keys: readonly NoteKey[],
): Promise<number> {
  const read = parsedJson(text)
  if (isObject(read) && isDoubled(text, read)) {
    throw new Fault('rpc/bad-params', 'this receipt has a member twice: readers differ about it.')
  }
  const report = await verifyReceipt(read, keys)
  if (flag(parsed, 'json')) printJson(io, report)
  else if (report.isProved) print(io, `Proved: ${counted(report.entries, 'entry', 'entries')}.`)
  else for (const problem of report.problems) print(io, printable(problem))
  return report.isProved ? EXIT.ok : EXIT.failed
}

function sayExport(parsed: Parsed, io: Io, report: ExportReport): number {
  const { isWhole, entries, checkpoints, witnessed, head, problems, breaks } = report
  if (flag(parsed, 'json')) {
    const signed = head && { origin: head.origin, size: head.size }
    printJson(io, { isWhole, entries, checkpoints, witnessed, signed, problems, breaks })
    return isWhole ? EXIT.ok : EXIT.failed
  }
  for (const { line, what, from, to } of problems) {
    const range = from === undefined || to === undefined ? '' : rangeOf(from, to)
    print(io, printable(`line ${String(line)}: ${what}${range}`))
  }
  for (const at of breaks) {
    print(
      io,
      `The key was lost at entry ${String(at + 1)}: only witnesses speak for what is before it.`,
    )
  }
  const seen = witnessed > 0 ? `, ${counted(witnessed, 'witness', 'witnesses')} agree` : ''
  const sizes = `${counted(entries, 'entry', 'entries')}, ${counted(checkpoints, 'checkpoint', 'checkpoints')}`
  print(io, isWhole ? `Whole: ${sizes}${seen}.` : `NOT WHOLE: ${sizes}. See above.`)
  return isWhole ? EXIT.ok : EXIT.failed
}

/** Entries as people count them, from 1. */
const rangeOf = (from: number, to: number): string =>
  to - from <= 1
    ? ` (entry ${String(from + 1)})`
    : ` (entries ${String(from + 1)} to ${String(to)})`

const counted = (count: number, one: string, many: string): string =>
  `${String(count)} ${count === 1 ? one : many}`

function keysIn(parsed: Parsed, io: Io): readonly NoteKey[] {
  const given = textsOption(parsed, 'key')
  if (given.length === 0) {
    throw new Fault(
      'rpc/bad-params',
      'say whose signature counts: --key KEY, as "countersign ledger key" prints it.',
    )
  }
  return given.map((one) => {
    const path = resolve(io.cwd, one)
    const key = parseKey(existsSync(path) ? readText(path) : one)
    if (key) return key
    throw new Fault(
      'rpc/bad-params',
      `"${one.slice(0, 100)}" is neither a key nor a file with one.`,
    )
  })
}

/**
 * Checkpoints that somebody else has kept. With `--witness-key` each must be cosigned by one of those
 * witnesses; whether the ledger has signed it is seen when the export has come so far, since its key may
 * have been replaced by then.
 */
async function witnessesIn(parsed: Parsed, io: Io): Promise<readonly Witnessed[]> {
  const cosigners = textsOption(parsed, 'witness-key').map((one) => cosignerIn(one, io))
  const kept = await Promise.all(
    textsOption(parsed, 'witness').map(async (path) => {
      const notes = notesIn(readText(resolve(io.cwd, path)))
      return Promise.all(notes.map((text) => witnessedIn(text, path, cosigners)))
    }),
  )
  return kept.flat()
}

function cosignerIn(given: string, io: Io): CosignerKey {
  const path = resolve(io.cwd, given)
  const key = parseCosigner(existsSync(path) ? readText(path) : given)
  if (key) return key
  const shown = given.slice(0, 100)
  throw new Fault('rpc/bad-params', `"${shown}" is neither a witness's key nor a file with one.`)
}

async function witnessedIn(
  text: string,
  path: string,
  cosigners: readonly CosignerKey[],
): Promise<Witnessed> {
  const note = parseNote(text)
  const checkpoint = note && parseCheckpoint(note.text)
  if (!note || !checkpoint) throw new Fault('rpc/bad-params', `${path} holds no checkpoint.`)
  if (cosigners.length > 0 && (await cosignersOf(note, cosigners)).length === 0) {
    throw new Fault('rpc/bad-params', `${path} is cosigned by no witness whose key was given.`)
  }
  return { ...checkpoint, note }
}

/** A checkpoint as it is; what `ledger key --json` printed; or a line for each, as a witness keeps them. */
function notesIn(text: string): readonly string[] {
  if (!text.startsWith('{')) return [text]
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const read = parsedJson(line)
      const isHeld = typeof read === 'object' && read !== null && 'checkpoint' in read
      return isHeld && typeof read.checkpoint === 'string' ? read.checkpoint : line
    })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Fault('rpc/bad-params', `${path} cannot be read.`, { cause })
  }
}

/** Line by line, so that an export may be larger than memory. */
async function* linesOf(path: string, io: Io): AsyncGenerator<string, void> {
  const input = path === '-' ? io.stdin : createReadStream(resolve(io.cwd, path))
  let lines: string[] = []
  const reader = new LineReader({
    bytesMax: LINE_BYTES_MAX,
    line: (line) => void lines.push(line),
    overflow: () => {
      throw new Fault('rpc/bad-params', 'a line is too long to be one of an export.')
    },
  })
  try {
    for await (const chunk of input) {
      reader.push(Buffer.from(chunk))
      yield* lines
      lines = []
    }
    reader.end()
    yield* lines
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('rpc/bad-params', `${path} cannot be read: ${why}`, { cause })
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // No receipt: the report says so. No `ledger key --json`: a bare checkpoint.
  }
}
