import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault, type Admin } from '@countersign/contract'
import { CONFIG_HELP, CONFIG_OPTION, EXIT, type Command } from '../command.ts'
import { findConfig } from '../find-config.ts'
import type { Io } from '../io.ts'
import { reach } from '../reach.ts'

const PAGE = 1_000

export const exportLedger: Command = {
  summary: 'Writes the whole ledger as JSON Lines, with every checkpoint.',
  usage: 'ledger export [FILE] [options]',
  options: { ...CONFIG_OPTION },
  help: `  FILE                where to; must not exist (default: standard output)
${CONFIG_HELP}

"countersign verify FILE --key KEY" checks it, anywhere, without this gateway.`,
  run: async (parsed, io) => {
    const [path] = parsed.positionals
    await using gateway = await reach(findConfig(parsed, io), io)
    const entries =
      path === undefined
        ? await write(gateway.admin, (text) => put(io, text))
        : await toFile(gateway.admin, resolve(io.cwd, path))
    io.stderr.write(`${String(entries)} entries.\n`)
    return EXIT.ok
  },
}

async function write(admin: Admin, put: (text: string) => Promise<void>): Promise<number> {
  for (let from = 0; ;) {
    const { lines, next } = await admin.exportLedger({ from, limit: PAGE })
    await put(lines.map((line) => `${line}\n`).join(''))
    if (next === undefined) return Number(/\d+/.exec(lines.at(-1) ?? '')?.[0] ?? 0)
    from = next
  }
}

async function toFile(admin: Admin, path: string): Promise<number> {
  try {
    await using file = await open(path, 'wx', 0o600)
    return await write(admin, (text) => file.appendFile(text))
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    if (isThere(cause)) {
      throw new Fault('rpc/bad-params', `${path} exists already: name a new file.`, { cause })
    }
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('store/unavailable', `cannot write ${path}: ${why}`, { cause })
  }
}

const isThere = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'

const put = ({ stdout }: Io, text: string): Promise<void> =>
  new Promise((written, reject) => {
    stdout.write(text, (failed) => {
      if (failed) reject(failed)
      else written()
    })
  })
