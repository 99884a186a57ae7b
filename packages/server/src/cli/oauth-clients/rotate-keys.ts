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
import { print, printJson } from '../io.ts'
import { reach } from '../reach.ts'

export const rotateKeys: Command = {
  summary: 'Makes the next key that tokens are signed with.',
  usage: 'clients rotate-keys [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

The new key is published at once and signs a while later, when everybody who keeps our keys has it.
The one before stays published until its last token is over: nobody has to sign in again.`,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    const { kid, signsFrom } = await gateway.admin.rotateKeys({})
    if (flag(parsed, 'json')) printJson(io, { kid, signsFrom })
    else {
      const at = new Date(signsFrom).toLocaleTimeString('sv-SE')
      print(io, `${kid} is published, and signs from ${at} on.`)
    }
    return EXIT.ok
  },
}
