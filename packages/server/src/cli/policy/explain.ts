import { Fault } from '@countersign/contract'
import {
  caseSchema,
  clockOf,
  questionIn,
  refusalOf,
  waitingOf,
  type Question,
  type Verdict,
} from '#policy'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from '../command.ts'
import { print, printJson, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { engineOf, findSet, type FoundSet } from './find-set.ts'

export const explain: Command = {
  summary: 'Says how one call would be decided, by which policies, and what its agent would read.',
  usage: 'policy explain [FOLDER] --tool SERVER/NAME [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    tool: { type: 'string', short: 't' },
    prompt: { type: 'string' },
    resource: { type: 'string' },
    principal: { type: 'string', short: 'p' },
    effect: { type: 'string', short: 'e' },
    arguments: { type: 'string', short: 'a' },
    scope: { type: 'string', multiple: true },
    agent: { type: 'string', multiple: true },
    label: { type: 'string', multiple: true },
    recent: { type: 'string', multiple: true },
    found: { type: 'string', multiple: true },
    address: { type: 'string' },
    at: { type: 'string' },
  },
  help: `  -t, --tool S/NAME   the tool; or --resource S/URI, or --prompt S/NAME
  -p, --principal P   who asks: User::"https://idp.example#ada" (default: User::"local")
  -e, --effect CLASS  read, idempotent, write or destructive (default for tools: destructive)
  -a, --arguments J   the arguments, as JSON
  --scope S           a scope of the token; may be repeated
  --agent ID          a client or actor in between; may be repeated
  --label L           a label of the tool, such as outward; may be repeated
  --recent L          a label of what was called lately, such as untrusted; may be repeated
  --found KIND        what was found in the arguments: secret/github; may be repeated
  --address IP        where the call comes from
  --at TIME           when, such as 2026-11-23T22:00:00Z (default: now)
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const set = await findSet(parsed, io)
    const engine = engineOf(set)
    const asked = askedIn(parsed, io, set)
    const verdict = engine.judge(asked)
    const isListed = engine.isListed(asked)
    const explained = { asked, verdict, isListed }
    if (flag(parsed, 'json')) printJson(io, jsonOf(set, explained))
    else print(io, printable(wordsOf(set, explained).join('\u0000')).replaceAll('\\u0000', '\n'))
    return verdict.kind === 'deny' ? EXIT.failed : EXIT.ok
  },
}

function askedIn(parsed: Parsed, io: Io, set: FoundSet): Question {
  const text = (name: string): string | undefined => textOption(parsed, name)
  const all = (name: string): unknown => parsed.values[name] ?? []
  const read = caseSchema.safeParse({
    tool: text('tool'),
    prompt: text('prompt'),
    resource: text('resource'),
    principal: text('principal'),
    effect: text('effect'),
    arguments: argumentsIn(text('arguments')),
    scopes: all('scope'),
    agents: all('agent'),
    labels: all('label'),
    recent: all('recent'),
    found: all('found'),
    address: text('address'),
    at: text('at') ?? new Date(io.world.now()).toISOString(),
    expect: 'allow',
  })
  if (!read.success) {
    const [issue] = read.error.issues
    const at = issue?.path.join('.') ?? ''
    throw new Fault(
      'rpc/bad-params',
      `${at === '' ? '' : `--${at}: `}${issue?.message ?? 'wrong'}.`,
    )
  }
  const asked = questionIn(read.data, clockOf(set.timeZone))
  const groups = Object.entries(set.groups).flatMap(([group, members]) =>
    members.includes(asked.principal.id) ? [group] : [],
  )
  return { ...asked, principal: { ...asked.principal, groups } }
}

function argumentsIn(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('rpc/bad-params', '--arguments is not JSON.')
  }
}

interface Determining {
  readonly id: string
  readonly effect: string
  readonly file: string
  readonly text: string
}

const determining = (set: FoundSet, { policies }: Verdict): readonly Determining[] =>
  set.policies
    .filter(({ id }) => policies.includes(id))
    .map(({ id, file, text, json }) => ({ id, effect: json.effect, file, text }))

/** Only the call of a tool waits for people. */
const readOf = (verdict: Exclude<Verdict, { kind: 'allow' }>, { resource }: Question): string =>
  verdict.kind === 'ask' && resource.type === 'Tool'
    ? waitingOf(verdict.asks, verdict.message)
    : refusalOf(verdict)

interface Explained {
  readonly asked: Question
  readonly verdict: Verdict
  readonly isListed: boolean
}

function jsonOf(set: FoundSet, { asked, verdict, isListed }: Explained) {
  const told = verdict.kind === 'allow' ? {} : { agentReads: readOf(verdict, asked) }
  return { ...verdict, listed: isListed, ...told, determining: determining(set, verdict) }
}

const WHY = {
  forbidden: 'a forbid applies, and nothing lifts it',
  unpermitted: 'no permit applies to it',
  broken: 'a policy could not be evaluated',
  unseen:
    'a policy looks at arguments that cannot be seen whole: too many, too nested, no proper text',
} as const

function wordsOf(set: FoundSet, { asked, verdict, isListed }: Explained): readonly string[] {
  const rules = determining(set, verdict).flatMap(({ id, effect, file, text }) => [
    '',
    `${effect} "${id}" in ${file}:`,
    ...text.split('\n').map((line) => `  ${line}`),
  ])
  const why =
    verdict.kind === 'deny'
      ? [`Why: ${WHY[verdict.why]}${verdict.trouble === undefined ? '' : ` (${verdict.trouble})`}.`]
      : []
  return [
    `Decision: ${verdict.kind}. In lists: ${isListed ? 'shown' : 'hidden'}.`,
    ...why,
    ...rules,
    ...(verdict.kind === 'allow' ? [] : ['', 'The agent reads:', `  ${readOf(verdict, asked)}`]),
  ]
}
