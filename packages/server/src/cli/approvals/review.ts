import { Fault, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, table, type Io } from '../io.ts'
import { reach } from '../reach.ts'
import { lasting } from '../tasks/words.ts'

type Review = Awaited<ReturnType<Admin['listReviews']>>[number]

const VERDICTS = { justified: 'justified', not: 'unjustified', unjustified: 'unjustified' } as const

export const review: Command = {
  summary: 'Says what you found of a broken glass: a call that one person approved alone.',
  usage: 'review <id> --verdict justified|not [--comment TEXT] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    verdict: { type: 'string' },
    comment: { type: 'string' },
  },
  help: `  --verdict WORD      justified, or not
  --comment TEXT      for the ledger
${CONFIG_HELP}
${JSON_HELP}

"countersign approvals --to-review" lists what nobody has looked at. Whoever broke the glass, or took part in
the call, cannot review it.`,
  run: async (parsed, io) => {
    const [given] = parsed.positionals
    const word = textOption(parsed, 'verdict')
    const verdict = new Map(Object.entries(VERDICTS)).get(word ?? '')
    if (given === undefined || verdict === undefined) {
      throw new Fault(
        'rpc/bad-params',
        `say which, and what you found: countersign ${review.usage}.`,
      )
    }
    const comment = textOption(parsed, 'comment')
    await using gateway = await reach(findConfig(parsed, io), io)
    const all = await gateway.admin.listReviews({ all: 'true' })
    const meant = all.filter(({ id }) => id.startsWith(given) || id.startsWith(`ap_${given}`))
    const [one, ...others] = meant
    const id = one && others.length === 0 ? one.id : given
    const said = comment === undefined ? {} : { comment }
    const done = await gateway.admin.reviewApproval({ id, verdict, ...said })
    if (flag(parsed, 'json')) printJson(io, done)
    else print(io, `Noted: ${done.id} was ${verdict}.`)
    return EXIT.ok
  },
}

const HEAD = ['ID', 'WHAT', 'BY', 'AGO', 'WHY']

/** What nobody else has looked at; with --all also what somebody has. */
export async function listReviews(admin: Admin, parsed: Parsed, io: Io): Promise<number> {
  const found = await admin.listReviews(flag(parsed, 'all') ? { all: 'true' } : {})
  const now = io.world.now()
  if (flag(parsed, 'json')) for (const one of found) printJson(io, one)
  else if (found.length === 0) print(io, 'There is no broken glass to look at.')
  else print(io, table([HEAD, ...found.map((one) => rowOf(one, now))]))
  return EXIT.ok
}

const rowOf = ({ id, server, tool, effect, by, brokenAt, reason }: Review, now: number) => [
  id,
  `${server} ${tool} (${effect})`,
  by,
  lasting(now - brokenAt),
  reason,
]
