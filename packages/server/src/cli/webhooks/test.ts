import { CONFIG_HELP, CONFIG_OPTION, EXIT, type Command } from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { named } from './named.ts'

interface Told {
  readonly isTaken?: boolean | undefined
  readonly problem?: string | undefined
}

/** What the receiver said to one message. */
export function sayTold(io: Io, name: string, { isTaken, problem }: Told): number {
  if (isTaken === true) {
    print(io, `${name} took it.`)
    return EXIT.ok
  }
  io.stderr.write(`${printable(`${name} did not take it: ${problem ?? ''}`)}\n`)
  return EXIT.failed
}

export const test: Command = {
  summary: 'Sends a message to a webhook, to see whether it arrives.',
  usage: 'webhooks test NAME [options]',
  options: { ...CONFIG_OPTION },
  help: CONFIG_HELP,
  run: async (parsed, io) => {
    const name = named(parsed, 'test')
    await using gateway = await reach(findConfig(parsed, io), io)
    return sayTold(io, name, await gateway.admin.testWebhook({ name }))
  },
}
