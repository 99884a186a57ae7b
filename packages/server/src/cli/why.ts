import { Fault, isObject, textAt, type Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson } from './io.ts'
import { printable } from './printable.ts'
import { reach } from './reach.ts'

type Custody = Awaited<ReturnType<Admin['getCustody']>>

export const why: Command = {
  summary:
    'Tells the whole story of one call: who, under what, decided by what, and what came of it.',
  usage: 'why CALL|TASK [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `  CALL                its id, as in "countersign log" and in _meta of every answer
  TASK                the id of the task it became
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const [id] = parsed.positionals
    if (id === undefined) throw new Fault('rpc/bad-params', 'say which call: why CALL')
    await using gateway = await reach(findConfig(parsed, io), io)
    const call = id.startsWith('task_') ? await callOf(gateway.admin, id) : id
    const custody = await gateway.admin.getCustody({ call })
    if (flag(parsed, 'json')) printJson(io, custody)
    else print(io, storyOf(custody).map(printable).join('\n'))
    return EXIT.ok
  },
}

async function callOf(admin: Admin, id: string): Promise<string> {
  const { call } = await admin.getTask({ id })
  if (call !== undefined) return call
  throw new Fault('rpc/bad-params', `${id} is no call: it takes others back.`)
}

const when = (at: number): string => new Date(at).toISOString()

function storyOf(custody: Custody): readonly string[] {
  const { call, server, name, method, effect, definition, ledger, task } = custody
  return [
    `${call}: ${method} ${name} of ${server} (${effect})`,
    `  by          ${custody.principal}, with ${custody.client}${custody.view === '' ? '' : `, through the view ${custody.view}`}`,
    ...authorityIn(custody),
    ...(definition === undefined ? [] : [`  definition  ${definition}`]),
    ...custody.rounds.flatMap(roundIn),
    ...custody.events.map(({ at, kind, body }) => `  ${when(at)}  ${kind}  ${factsIn(body)}`),
    ...(task ? [`  task        ${task.id}, ${task.state}`] : []),
    `  ledger      ${ledger.origin}, entries ${ledger.entries.join(', ')}${ledger.isSigned ? '' : ', not signed yet'}`,
  ]
}

function authorityIn({ authority }: Custody): readonly string[] {
  if (!authority) return ['  under       nothing: local mode']
  const { scopes, actors } = authority
  const words = (Array.isArray(scopes) ? scopes : []).map(String).join(' ')
  const acting = (Array.isArray(actors) ? actors : []).map((one) =>
    isObject(one) ? textAt(one, 'subject') : '',
  )
  return [
    `  under       token ${textAt(authority, 'token')} (${textAt(authority, 'proof')}), scopes ${words === '' ? 'none' : words}`,
    ...(acting.length === 0 ? [] : [`  acting      ${acting.join(', for ')}`]),
  ]
}

function roundIn(round: Custody['rounds'][number]): readonly string[] {
  const { openedAt, closedAt, decision, outcome, reason, durationMs, credential } = round
  const version = decision.version ? `, version ${String(decision.version.number)}` : ''
  const ended =
    closedAt === undefined
      ? '  no outcome is known'
      : `  ${when(closedAt)}  ${outcome ?? ''}${reason === undefined ? '' : ` (${reason})`}${durationMs === undefined ? '' : `, ${String(durationMs)} ms`}`
  return [
    `  ${when(openedAt)}  ${decision.kind} by ${decision.policies.join(', ')}${version}; arguments ${round.arguments}`,
    ...(credential === undefined ? [] : [`  called as   ${credential}`]),
    ended,
  ]
}

const factsIn = (body: Custody['events'][number]['body']): string =>
  Object.entries(body)
    .filter(([key]) => key !== 'call')
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
