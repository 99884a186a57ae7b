import { Fault, type Admin } from '@countersign/contract'
import { FORMATS } from '#feeds'
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
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, type Io } from '../io.ts'
import { reach } from '../reach.ts'
import { follow } from './follow.ts'
import { lineOf } from './words.ts'

const LAST_DEFAULT = 20
const PAGE = 500

export const events: Command = {
  summary: 'Tells what happens, as others are told of it.',
  usage: 'events [--follow] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    follow: { type: 'boolean', short: 'f' },
    after: { type: 'string' },
    kind: { type: 'string', multiple: true },
    server: { type: 'string' },
    principal: { type: 'string' },
    call: { type: 'string' },
    task: { type: 'string' },
    format: { type: 'string' },
  },
  help: `  -f, --follow        goes on with what comes, until Ctrl-C
  --after PLACE       begins after this place in the ledger (default: the last ${String(LAST_DEFAULT)};
                      with --follow: now)
  --kind KIND         only these: approval.asked, or all of approval.*; may be repeated
  --server ID         only calls to this server
  --principal ID      only what this principal did
  --call ID           only this call and its rounds
  --task ID           only this task
  --format FORMAT     ${FORMATS.join(', ')}; the latter two are JSON
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const [stray] = parsed.positionals
    if (stray !== undefined) throw new Fault('rpc/bad-params', `"${stray}" means nothing here.`)
    const config = findConfig(parsed, io)
    const asked = askedBy(parsed)
    const say = sayer(parsed, io)
    if (flag(parsed, 'follow')) return follow(config, io, asked, say)
    await using gateway = await reach(config, io)
    for (let after = asked.after; ;) {
      const limit = after === undefined ? LAST_DEFAULT : PAGE
      const page = await gateway.admin.listEvents({
        ...asked,
        limit,
        ...(after === undefined ? {} : { after }),
      })
      for (const event of page.events) say(event)
      if (page.isEnd || asked.after === undefined) return EXIT.ok
      after = page.next
    }
  },
}

export type Asked = Parameters<Admin['listEvents']>[0] & { readonly after?: number }

function askedBy(parsed: Parsed): Asked {
  const kinds = textsOption(parsed, 'kind')
  const after = textOption(parsed, 'after')
  if (after !== undefined && !/^\d{1,15}$/.test(after)) {
    throw new Fault('rpc/bad-params', '--after must be a whole number.')
  }
  const format = FORMATS.find((one) => one === (textOption(parsed, 'format') ?? 'countersign'))
  if (!format) throw new Fault('rpc/bad-params', `--format is one of ${FORMATS.join(', ')}.`)
  const texts = (['server', 'principal', 'call', 'task'] as const).flatMap((name) => {
    const text = textOption(parsed, name)
    return text === undefined ? [] : [[name, text]]
  })
  return {
    ...Object.fromEntries(texts),
    ...(kinds.length === 0 ? {} : { kinds: kinds.join(',') }),
    ...(after === undefined ? {} : { after: Number(after) }),
    format,
  }
}

/** What is told is JSON, unless somebody reads it. */
function sayer(parsed: Parsed, io: Io): (event: unknown) => void {
  const isPlain = (textOption(parsed, 'format') ?? 'countersign') === 'countersign'
  return flag(parsed, 'json') || !isPlain
    ? (event) => {
        printJson(io, event)
      }
    : (event) => {
        print(io, lineOf(event))
      }
}
