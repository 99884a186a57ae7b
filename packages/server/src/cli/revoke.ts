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

export const revoke: Command = {
  summary: 'Ends tokens before their time: one, or all that somebody was given until now.',
  usage: 'revoke --user ID | --client ID | --token ID [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    user: { type: 'string', short: 'u' },
    client: { type: 'string' },
    token: { type: 'string', short: 't' },
  },
  help: `  -u, --user ID       everything a principal was given; its id is issuer#subject, as in the ledger
      --client ID     everything any principal was given through this client
  -t, --token ID      one token, by its id in the ledger (its jti, or its digest)
${CONFIG_HELP}
${JSON_HELP}

It takes effect at once, and within a second on other nodes; what is under way with such a token is
ended. Somebody who may sign in, or a client that may renew, comes back with a newer token: to keep
them out for good, say so at the issuer, or by policy. After --user, class scopes mean the tools of
when they are next used.`,
  run: async (parsed, io) => {
    const named = (['user', 'client', 'token'] as const).flatMap((kind) => {
      const id = textOption(parsed, kind)
      return id === undefined ? [] : [[kind, id] as const]
    })
    if (named.length !== 1) {
      throw new Fault('rpc/bad-params', 'name exactly one: --user, --client or --token.')
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const revoked = await gateway.admin.revoke(Object.fromEntries(named))
    if (flag(parsed, 'json')) printJson(io, revoked)
    else print(io, `Revoked: ${revoked.kind} ${printable(revoked.id)}.`)
    return EXIT.ok
  },
}
