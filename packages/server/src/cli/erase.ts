import { Fault } from '@countersign/contract'
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

export const erase: Command = {
  summary: 'Destroys what is kept of somebody: payloads, tasks, what approvers were shown.',
  usage: 'erase SUBJECT [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    reason: { type: 'string', short: 'r' },
    cancel: { type: 'boolean' },
  },
  help: `  SUBJECT             the id of a principal, as in the ledger: issuer#subject, or local
  -r, --reason TEXT   why; it stands in the ledger
      --cancel        cancels tasks that are under way, instead of refusing
${CONFIG_HELP}
${JSON_HELP}

The ledger stays whole: its entries hold digests, which nobody can guess anything back from once the
key that salted them is gone. It does not reach into backups of the data folder, nor to servers that
were called. While the database is written anew, calls wait.`,
  run: async (parsed, io) => {
    const [subject] = parsed.positionals
    if (subject === undefined) throw new Fault('rpc/bad-params', 'say whose: erase SUBJECT')
    const reason = textOption(parsed, 'reason')
    await using gateway = await reach(findConfig(parsed, io), io)
    const erased = await gateway.admin.eraseSubject({
      subject,
      cancels: flag(parsed, 'cancel'),
      ...(reason === undefined ? {} : { reason }),
    })
    if (flag(parsed, 'json')) {
      printJson(io, erased)
      return EXIT.ok
    }
    const { hadKey, payloads, tasks, approvals, grants, isScrubbed, connections } = erased
    const name = printable(subject)
    print(
      io,
      [
        `Erased of ${name}: ${hadKey ? 'the key' : 'no key'}, ${counted(payloads, 'payload')}, ${counted(tasks, 'task')}, ${counted(grants, 'standing grant')}, what ${counted(approvals, 'request')} for approval showed.`,
        isScrubbed
          ? 'The database was written anew: nothing of it is left in its files.'
          : 'The database was not written anew: see docs/audit.md, "Erasing".',
        ...connections.map(
          (server) =>
            `An account is still connected. To end that: countersign connections remove ${server} --principal ${name}`,
        ),
      ].join('\n'),
    )
    return EXIT.ok
  },
}

const counted = (count: number, what: string): string =>
  `${String(count)} ${what}${count === 1 ? '' : 's'}`
