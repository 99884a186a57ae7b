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
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson } from './io.ts'
import { printable } from './printable.ts'
import { reach } from './reach.ts'
import { storyOf } from './story.ts'

type Custody = Awaited<ReturnType<Admin['getCustody']>>

export const why: Command = {
  summary:
    'Tells the whole story of one call: who, under what, decided by what, and what came of it.',
  usage: 'why CALL|TASK | why --run RUN [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    run: { type: 'string' },
    owner: { type: 'string' },
    payload: { type: 'boolean' },
    reason: { type: 'string', short: 'r' },
  },
  help: `  CALL                its id, as in "countersign log" and in _meta of every answer; the beginning
                      of it is enough
  TASK                the id of the task it became
      --run RUN       all calls of a run, the first one first
      --owner ID      whose run it is (default: local)
      --payload       shows arguments and results too, where they are kept; that it was read stands
                      in the ledger
  -r, --reason TEXT   why they are read
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const [id] = parsed.positionals
    const run = textOption(parsed, 'run')
    if ((id === undefined) === (run === undefined)) {
      throw new Fault('rpc/bad-params', 'say which call: why CALL, or why --run RUN')
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const { admin } = gateway
    const owner = textOption(parsed, 'owner')
    const whole =
      run === undefined
        ? await admin.getCustody(id?.startsWith('task_') ? { task: id } : { call: id })
        : await admin.getRunCustody({ run, ...(owner === undefined ? {} : { owner }) })
    const reason = textOption(parsed, 'reason')
    const isWithPayload = flag(parsed, 'payload')
    const shown = isWithPayload ? await withPayloads(admin, callsIn(whole), reason) : undefined
    const calls = shown ?? callsIn(whole)
    if (flag(parsed, 'json')) printJson(io, 'calls' in whole ? { ...whole, calls } : calls[0])
    else print(io, [...calls.flatMap(storyOf), ...restOf(whole)].map(printable).join('\n'))
    return EXIT.ok
  },
}

type Whole = Custody | Awaited<ReturnType<Admin['getRunCustody']>>

const callsIn = (whole: Whole): readonly Custody[] => ('calls' in whole ? whole.calls : [whole])

const restOf = (whole: Whole): readonly string[] =>
  'calls' in whole && whole.leftOut > 0
    ? [`and ${String(whole.leftOut)} further calls of this run.`]
    : []

async function withPayloads(
  admin: Admin,
  custodies: readonly Custody[],
  reason: string | undefined,
): Promise<readonly Custody[]> {
  const { payloads, salts } = await admin.readPayloads({
    calls: custodies.map(({ call }) => call),
    ...(reason === undefined ? {} : { why: reason }),
  })
  return custodies.map((custody) => {
    const { call, principal } = custody
    const salt = salts[principal]
    return {
      ...custody,
      payloads: payloads.filter((one) => one.call === call || one.call.startsWith(`${call}.`)),
      ...(salt === undefined ? {} : { salt }),
    }
  })
}
