import { CONFIG_HELP, CONFIG_OPTION, EXIT, type Command } from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print } from '../io.ts'
import { reach } from '../reach.ts'
import { EVENT_OPTION, eventOf, named } from './named.ts'
import { sayTold } from './test.ts'

export const retry: Command = {
  summary: 'Turns a webhook on again, or sends what it did not take.',
  usage: 'webhooks retry NAME [--event N] [options]',
  options: { ...CONFIG_OPTION, ...EVENT_OPTION },
  help: `  --event N           sends this dead letter now
${CONFIG_HELP}`,
  run: async (parsed, io) => {
    const name = named(parsed, 'retry')
    await using gateway = await reach(findConfig(parsed, io), io)
    const told = await gateway.admin.retryWebhook({ name, ...eventOf(parsed) })
    if (told.isTaken !== undefined) return sayTold(io, name, told)
    print(io, `${name} is on; what waits is tried at once, where a gateway is running.`)
    return EXIT.ok
  },
}
