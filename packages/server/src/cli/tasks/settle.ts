import { Fault, VERDICTS, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson } from '../io.ts'
import { reach } from '../reach.ts'
import { findTask, idIn } from './find-task.ts'

type Verdict = (typeof VERDICTS)[number]
type Given = Parameters<Admin['settleTask']>[0]['result']

export const settle: Command = {
  summary: 'Says what happened to a call whose outcome nobody could know.',
  usage: 'tasks settle <id> happened|retry|abandon [--result TEXT] [--reason TEXT] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    result: { type: 'string' },
    reason: { type: 'string' },
  },
  help: `  happened            it was done: the call is answered with --result
  retry               it was not done, and cannot be any more: it is sent again (needs a running gateway)
  abandon             nobody will find out: the call fails, with --reason
  --result TEXT       words, or a JSON object that becomes the structured result
  --reason TEXT       why; for the ledger, and with abandon for its client
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const given = idIn(parsed, settle.usage)
    const verdict = verdictIn(parsed.positionals[1])
    const result = resultIn(textOption(parsed, 'result'), verdict)
    const reason = textOption(parsed, 'reason')
    await using gateway = await reach(findConfig(parsed, io), io)
    const { id } = await findTask(gateway.admin, given)
    if (verdict === 'retry' && !gateway.isRunning) throw needsGateway()
    const settled = await gateway.admin.settleTask({
      id,
      verdict,
      ...(result === undefined ? {} : { result }),
      ...(reason === undefined ? {} : { reason }),
    })
    if (flag(parsed, 'json')) printJson(io, settled)
    else print(io, `Settled: ${id}. ${next(verdict, id, gateway.isRunning)}`)
    return EXIT.ok
  },
}

function verdictIn(word: string | undefined): Verdict {
  const found = VERDICTS.find((verdict) => verdict === word)
  if (found) return found
  throw new Fault(
    'rpc/bad-params',
    `say what you found out: ${VERDICTS.join(', ')}. "countersign tasks settle --help" says what each does.`,
  )
}

/** A JSON object is data; everything else is words. */
function resultIn(text: string | undefined, verdict: Verdict): Given {
  if (text === undefined) return undefined
  if (verdict !== 'happened') {
    throw new Fault('rpc/bad-params', '--result is for "happened"; say why with --reason.')
  }
  if (!text.trimStart().startsWith('{')) return text
  try {
    const value: Given = JSON.parse(text)
    return value
  } catch (cause) {
    throw new Fault(
      'rpc/bad-params',
      '--result begins like JSON and is none: give a JSON object, or other words.',
      { cause },
    )
  }
}

const needsGateway = (): Fault =>
  new Fault(
    'store/unavailable',
    'nothing was settled: trying again needs a running gateway. Run "countersign serve", then settle it.',
  )

function next(verdict: Verdict, id: string, isRunning: boolean): string {
  switch (verdict) {
    case 'happened':
      return isRunning
        ? `Its client is answered with that. countersign tasks result ${id}`
        : 'Its client is answered with that when the gateway runs again.'
    case 'retry':
      return `It is sent again. countersign tasks result ${id}`
    case 'abandon':
      return 'Its client is told that the outcome stayed unknown.'
  }
}
