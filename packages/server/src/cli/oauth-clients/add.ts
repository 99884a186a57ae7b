import { readFileSync } from 'node:fs'
import { ADMIN, Fault, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  textsOption,
  type Command,
  type Parsed,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'

type Added = Awaited<ReturnType<Admin['addClient']>>

export const add: Command = {
  summary: 'Registers a client: for people, or as a program of its own.',
  usage: 'clients add NAME (--redirect URI | --scope SCOPE) [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    id: { type: 'string' },
    redirect: { type: 'string', short: 'r', multiple: true },
    scope: { type: 'string', short: 's', multiple: true },
    view: { type: 'string', multiple: true },
    secret: { type: 'boolean' },
    keys: { type: 'string' },
  },
  help: `  -r, --redirect URI  where people come back to: https, or http on this machine; may be repeated
  -s, --scope SCOPE   what it may have without a person, such as github:read; may be repeated
      --view NAME     for which views; default: the one of all servers
      --secret        makes a secret for it, which is printed once
      --keys FILE|URL its public keys (a JWK set): it signs what it sends, and no secret is needed
      --id ID         how it is known; default: one is made. The https URL of a client that
                      describes itself there, with --scope, gives that client scopes of its own
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const wanted = wantedIn(parsed)
    await using gateway = await reach(findConfig(parsed, io), io)
    const added = await gateway.admin.addClient(wanted)
    if (flag(parsed, 'json')) printJson(io, added)
    else print(io, said(added))
    return EXIT.ok
  },
}

type Wanted = Parameters<Admin['addClient']>[0]

function wantedIn(parsed: Parsed): Wanted {
  const [name, ...others] = parsed.positionals
  if (name === undefined || others.length > 0) {
    throw new Fault('rpc/bad-params', 'which name? countersign clients add NAME')
  }
  const id = textOption(parsed, 'id')
  const keys = textOption(parsed, 'keys')
  const scopes = textsOption(parsed, 'scope')
  const views = textsOption(parsed, 'view')
  if (flag(parsed, 'secret') && keys !== undefined) {
    throw new Fault('rpc/bad-params', '--secret or --keys: one of them is enough.')
  }
  const read = ADMIN.addClient.input.safeParse({
    name,
    ...(id === undefined ? {} : { id }),
    redirectUris: textsOption(parsed, 'redirect'),
    method: keys !== undefined ? 'private_key_jwt' : flag(parsed, 'secret') ? SECRET : 'none',
    ...(keys === undefined ? {} : keysFrom(keys)),
    scopes,
    views: scopes.length > 0 && views.length === 0 ? [''] : views,
  })
  if (read.success) return read.data
  const wrong = [...new Set(read.error.issues.map(({ path }) => String(path[0])))].join(', ')
  throw new Fault('rpc/bad-params', `this cannot be a client: see ${wrong}.`)
}

const SECRET = 'client_secret_basic'

/** A set of keys in a file, or where it is published. */
function keysFrom(where: string): { readonly jwks: unknown } | { readonly jwksUri: string } {
  if (/^https?:\/\//.test(where)) return { jwksUri: where }
  try {
    return { jwks: JSON.parse(readFileSync(where, 'utf8')) }
  } catch (cause) {
    throw new Fault('rpc/bad-params', `${where} cannot be read as a JWK set.`, { cause })
  }
}

const said = ({ client, secret }: Added): string =>
  [
    `${printable(client.name)} is registered. Its client_id:`,
    '',
    `  ${printable(client.id)}`,
    ...(secret === undefined
      ? []
      : ['', 'Its secret, which is shown this once:', '', `  ${secret}`]),
  ].join('\n')
