import { Fault, own, textAt, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson, table } from './io.ts'
import { reach } from './reach.ts'

type Entry = Awaited<ReturnType<Admin['listEntries']>>[number]

const LAST_DEFAULT = 20

export const log: Command = {
  summary: 'Shows the ledger: what was asked, decided, done, and what came of it.',
  usage: 'log [--last N | --after SEQ] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    last: { type: 'string', short: 'n' },
    after: { type: 'string' },
  },
  help: `  -n, --last N        the newest N entries, up to 1000 (default: ${String(LAST_DEFAULT)})
  --after SEQ         up to 1000 entries after this one
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const after = number(textOption(parsed, 'after'), '--after')
    const last = number(textOption(parsed, 'last'), '--last')
    await using gateway = await reach(findConfig(parsed, io), io)
    const entries = await gateway.admin.listEntries(
      after === undefined ? { last: last ?? LAST_DEFAULT } : { after },
    )
    if (flag(parsed, 'json')) for (const entry of entries) printJson(io, entry)
    else print(io, table([['SEQ', 'TIME', 'KIND', 'CALL', 'WHAT'], ...entries.map(row)]))
    return EXIT.ok
  },
}

function row({ seq, at, kind, call = '', body }: Entry): readonly string[] {
  const text = (key: string): string => textAt(body, key)
  const what =
    kind === 'call.opened'
      ? `${text('server')} ${text('name')} (${text('effect')}) by ${text('principal')} with ${text('client')}`
      : kind === 'call.closed'
        ? `${text('outcome')} ${text('reason')} ${JSON.stringify(own(body, 'durationMs'))} ms`.replaceAll(
            / +/g,
            ' ',
          )
        : JSON.stringify(body)
  return [String(seq), new Date(at).toISOString(), kind, call, what]
}

function number(given: string | undefined, name: string): number | undefined {
  if (given === undefined) return undefined
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw new Fault('rpc/bad-params', `${name} must be a whole number.`)
}
