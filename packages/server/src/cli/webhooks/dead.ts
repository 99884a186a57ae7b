import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, table } from '../io.ts'
import { reach } from '../reach.ts'
import { named } from './named.ts'

export const dead: Command = {
  summary: 'Lists what a webhook did not take for a day.',
  usage: 'webhooks dead NAME [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const name = named(parsed, 'dead')
    await using gateway = await reach(findConfig(parsed, io), io)
    const letters = await gateway.admin.listDeadLetters({ name })
    if (flag(parsed, 'json')) for (const one of letters) printJson(io, one)
    else if (letters.length === 0) print(io, `${name} took everything.`)
    else {
      const rows = letters.map(({ event, kind, attempts, problem, at }) => [
        String(event),
        new Date(at).toISOString(),
        kind,
        String(attempts),
        problem,
      ])
      print(io, table([['EVENT', 'PUT ASIDE', 'KIND', 'TRIES', 'PROBLEM'], ...rows]))
    }
    return EXIT.ok
  },
}
