import { Fault, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  textsOption,
  type Command,
  type Parsed,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson, table, type Io } from './io.ts'
import { reach } from './reach.ts'

type Line = Awaited<ReturnType<Admin['listQuotas']>>[number]

export const quotas: Command = {
  summary: 'What the limits have counted, and what is left; --reset begins one anew.',
  usage: 'quotas [--reset NAME [--of KIND=ID]… --reason WHY] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    reset: { type: 'string' },
    of: { type: 'string', multiple: true },
    reason: { type: 'string', short: 'r' },
  },
  help: `      --reset NAME    forgets what this limit has counted
      --of KIND=ID    of one counter alone, as it is listed; may be given several times
  -r, --reason WHY    written down; needed with --reset
${CONFIG_HELP}
${JSON_HELP}

A rate and what is under way are counted while the gateway runs; budgets are kept.`,
  run: async (parsed, io) => {
    const quota = textOption(parsed, 'reset')
    const reason = textOption(parsed, 'reason')
    const key = keyIn(textsOption(parsed, 'of'))
    if ((quota === undefined) !== (reason === undefined)) {
      throw new Fault('rpc/bad-params', 'say which limit, and why: --reset NAME --reason WHY')
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    if (quota === undefined || reason === undefined) {
      say(await gateway.admin.listQuotas({}), 'Nothing was counted.', parsed, io)
      return EXIT.ok
    }
    const what = { quota, reason, ...(key === undefined ? {} : { key }) }
    const forgotten = await gateway.admin.resetQuota(what)
    if (!flag(parsed, 'json')) print(io, `${quota} counts anew. It had counted:`)
    say(forgotten, 'nothing.', parsed, io)
    return EXIT.ok
  },
}

function say(lines: readonly Line[], none: string, parsed: Parsed, io: Io): void {
  if (flag(parsed, 'json')) for (const line of lines) printJson(io, line)
  else if (lines.length === 0) print(io, none)
  else print(io, table([['LIMIT', 'KIND', 'OF', 'LEFT', 'ANEW'], ...lines.map(rowOf)]))
}

const rowOf = ({ quota, limit, key, max, left, until }: Line): readonly string[] => [
  quota,
  KINDS[limit],
  Object.entries(key)
    .map(([name, value]) => `${name}=${value}`)
    .join(' '),
  `${String(left)} of ${String(max)}`,
  until === undefined ? '' : new Date(until).toISOString(),
]

const KINDS: Readonly<Record<Line['limit'], string>> = {
  rate: 'rate',
  budget: 'budget',
  atOnce: 'at once',
}

const SUBJECTS = ['principal', 'client', 'tool', 'server', 'view'] as const

/** `principal=…` as it is listed. */
function keyIn(given: readonly string[]): Parameters<Admin['resetQuota']>[0]['key'] {
  if (given.length === 0) return undefined
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      const subject = SUBJECTS.find((one) => one === text.slice(0, at))
      if (subject === undefined) {
        throw new Fault('rpc/bad-params', `--of ${text}: write one of ${SUBJECTS.join('=…, ')}=…`)
      }
      return [subject, text.slice(at + 1)] as const
    }),
  )
}
