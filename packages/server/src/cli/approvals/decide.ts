import { Fault } from '@countersign/contract'
import { askYes, canBeAsked } from '../ask-yes.ts'
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
import { print, printJson, type Io } from '../io.ts'
import { countIn, momentIn } from '../grants/spans.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { approvalIn } from './find-approval.ts'
import { inWhole, type Detail } from './words.ts'

const OPTIONS = {
  ...CONFIG_OPTION,
  ...JSON_OPTION,
  reason: { type: 'string' },
  yes: { type: 'boolean', short: 'y' },
} as const

const APPROVE_OPTIONS = {
  ...OPTIONS,
  'break-glass': { type: 'boolean' },
  again: { type: 'string' },
  until: { type: 'string' },
  'any-arguments': { type: 'boolean' },
} as const

const WHO = `You decide as "operator", who has to be in a group that is asked: policy.groups in the configuration.
An id may be shortened to a beginning that no other has; that of the task works too.`

export const approve: Command = {
  summary: 'Says yes to one call that waits for approval, after showing exactly what it will do.',
  usage: 'approve <id> [--reason TEXT] [--yes] [options]',
  options: APPROVE_OPTIONS,
  help: `  --reason TEXT       why; for the ledger
  -y, --yes           without asking
  --break-glass       alone, instead of all who are asked; needs a reason, and somebody else looks
                      at it afterwards (countersign review)
  --again N           allows the same call N more times from now on: a standing grant
  --until TIME        how long that stands: a time from now (7d, 12h) or a date; default 7d
  --any-arguments     also with other arguments: the same tool, whatever it is called with
${CONFIG_HELP}
${JSON_HELP}

${WHO}`,
  run: (parsed, io) => decide(parsed, io, 'approve'),
}

export const deny: Command = {
  summary: 'Says no to one call that waits for approval, and why.',
  usage: 'deny <id> --reason TEXT [--yes] [options]',
  options: OPTIONS,
  help: `  --reason TEXT       why; its agent is told, and the ledger
  -y, --yes           without asking
${CONFIG_HELP}
${JSON_HELP}

${WHO}`,
  run: (parsed, io) => decide(parsed, io, 'deny'),
}

type Verdict = 'approve' | 'deny'

async function decide(parsed: Parsed, io: Io, verdict: Verdict): Promise<number> {
  const { usage } = verdict === 'approve' ? approve : deny
  const reason = reasonIn(parsed, verdict)
  await using gateway = await reach(findConfig(parsed, io), io)
  const detail = await approvalIn(parsed, usage, gateway.admin)
  const asJson = flag(parsed, 'json')
  if (!asJson) print(io, `${shown(detail, io)}\n`)
  const more = verdict === 'approve' ? moreIn(parsed, io) : {}
  if (!flag(parsed, 'yes') && !(await isSure(io, verdict, asJson))) {
    print(io, 'Nothing was decided.')
    return EXIT.failed
  }
  const decided = await gateway.admin.decideApproval({
    id: detail.id,
    verdict,
    ...(reason === undefined ? {} : { reason }),
    ...more,
  })
  if (asJson) printJson(io, decided)
  else {
    print(io, ended(decided, gateway.isRunning))
    if (more.grant) print(io, 'The same is allowed from now on: countersign grants')
  }
  return EXIT.ok
}

/** What comes with a yes: that it is one alone, or for more calls than this one. */
function moreIn(
  parsed: Parsed,
  io: Io,
): {
  readonly breakGlass?: true
  readonly grant?: { uses: number; until: number; isAnyArguments: boolean }
} {
  const again = textOption(parsed, 'again')
  const isAnyArguments = flag(parsed, 'any-arguments')
  if (again === undefined && (isAnyArguments || textOption(parsed, 'until') !== undefined)) {
    throw new Fault('rpc/bad-params', 'say how often with --again N.')
  }
  const until = momentIn(textOption(parsed, 'until') ?? '7d', io.world.now())
  return {
    ...(flag(parsed, 'break-glass') ? { breakGlass: true } : {}),
    ...(again === undefined
      ? {}
      : { grant: { uses: countIn(again, '--again'), until, isAnyArguments } }),
  }
}

function reasonIn(parsed: Parsed, verdict: Verdict): string | undefined {
  const reason = textOption(parsed, 'reason')
  if (verdict === 'approve' || (reason !== undefined && reason.trim() !== '')) return reason
  throw new Fault('rpc/bad-params', `say why, its agent is told: countersign ${deny.usage}.`)
}

async function isSure(io: Io, verdict: Verdict, asJson: boolean): Promise<boolean> {
  if (asJson || !canBeAsked(io)) {
    throw new Fault('rpc/bad-params', 'nothing was decided: nobody can be asked here. Add --yes.')
  }
  print(io, '\n')
  return askYes(io, verdict === 'approve' ? 'Approve exactly this?' : 'Deny it?')
}

/** Each line by itself: what others wrote can neither hide anything nor add a line. */
export const shown = (detail: Detail, io: Io): string =>
  inWhole(detail, io.world.now()).split('\n').map(printable).join('\n')

function ended({ id, state, task }: Detail, isRunning: boolean): string {
  switch (state) {
    case 'denied':
      return `Denied: ${id}. Its agent is told.`
    case 'open':
      return `Noted: ${id}. It needs more people.`
    case 'approved':
    case 'used':
      return isRunning
        ? `Approved: ${id}. It is carried out now, once: countersign tasks result ${task}`
        : `Approved: ${id}. It is carried out when the gateway runs again.`
    case 'expired':
    case 'void':
      return `${id} is ${state}.`
  }
}
