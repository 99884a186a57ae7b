import { Fault, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
  type Parsed,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'

type Linked = Awaited<ReturnType<Admin['addUser']>>
type User = Linked['user']

interface Change<Done> {
  readonly word: string
  readonly summary: string
  readonly more: string
  readonly run: (admin: Admin, name: string) => Promise<Done>
  readonly say: (done: Done) => string
}

const command = <Done extends object>({
  word,
  summary,
  more,
  run,
  say,
}: Change<Done>): Command => ({
  summary,
  usage: `users ${word} NAME [options]`,
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${more}

${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const name = nameIn(parsed, word)
    await using gateway = await reach(findConfig(parsed, io), io)
    const done = await run(gateway.admin, name)
    if (flag(parsed, 'json')) printJson(io, done)
    else print(io, say(done))
    return EXIT.ok
  },
})

function nameIn({ positionals }: Parsed, word: string): string {
  const [name, ...others] = positionals
  if (name !== undefined && others.length === 0) return name
  throw new Fault('rpc/bad-params', `whom? countersign users ${word} NAME`)
}

const linkWords = ({ user, link: url, until }: Linked): string =>
  [
    `${printable(user.name)} chooses a password or a passkey here, once, until ${timeOf(until)}:`,
    '',
    `  ${url}`,
    '',
    'Whoever opens it becomes this account: give it to nobody else.',
  ].join('\n')

const timeOf = (at: number): string => new Date(at).toLocaleString('sv-SE').slice(0, 16)

export const add = command<Linked>({
  word: 'add',
  summary: 'Adds somebody who may sign in, and prints a one-time link for them.',
  more: 'The name is what they type to sign in: letters and digits, then also . _ @ + -',
  run: (admin, name) => admin.addUser({ name }),
  say: linkWords,
})

export const link = command<Linked>({
  word: 'link',
  summary: 'Prints another one-time link, by which somebody chooses anew how to sign in.',
  more: 'Links before it are over. What they sign in with now works until they use the new one.',
  run: (admin, name) => admin.linkUser({ name }),
  say: linkWords,
})

export const disable = command<User>({
  word: 'disable',
  summary: 'Lets somebody in no longer, and ends what they gave to programs.',
  more: 'The account stays, so that nobody else can have its name, and can be enabled again.',
  run: (admin, name) => admin.disableUser({ name, isDisabled: true }),
  say: ({ name }) => printable(`${name} is disabled: sessions, links and tokens are over.`),
})

export const enable = command<User>({
  word: 'enable',
  summary: 'Lets somebody in again.',
  more: 'They sign in as before; programs have to be let in anew.',
  run: (admin, name) => admin.disableUser({ name, isDisabled: false }),
  say: ({ name }) => printable(`${name} may sign in again.`),
})

export const remove = command<User>({
  word: 'remove',
  summary: 'Removes an account, and ends what it gave to programs.',
  more: 'Who signs in through a provider is added again at the next sign-in: disable them instead.',
  run: (admin, name) => admin.removeUser({ name }),
  say: ({ name }) => printable(`${name} is removed: sessions, links and tokens are over.`),
})
