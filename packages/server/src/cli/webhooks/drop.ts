import { CONFIG_HELP, CONFIG_OPTION, EXIT, type Command } from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print } from '../io.ts'
import { reach } from '../reach.ts'
import { EVENT_OPTION, eventOf, named } from './named.ts'

export const drop: Command = {
  summary: 'Lets go of what a webhook did not take.',
  usage: 'webhooks drop NAME [--event N] [options]',
  options: { ...CONFIG_OPTION, ...EVENT_OPTION },
  help: `  --event N           this one alone; without it all of them
${CONFIG_HELP}`,
  run: async (parsed, io) => {
    const name = named(parsed, 'drop')
    await using gateway = await reach(findConfig(parsed, io), io)
    const { dropped } = await gateway.admin.dropDeadLetters({ name, ...eventOf(parsed) })
    print(io, `${String(dropped)} dropped. The ledger has them all the same.`)
    return EXIT.ok
  },
}
