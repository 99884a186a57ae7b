import {
  EFFECTS,
  isObject,
  own,
  textAt,
  type Admin,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import { clockOf, type PolicyEngine, type Question } from '#policy'
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
import { engineOf, findSet, type FoundSet } from './find-set.ts'

type Entry = Awaited<ReturnType<Admin['listEntries']>>[number]

export const simulate: Command = {
  summary:
    'Asks other policies about the recorded calls, and lists each decision that would differ.',
  usage: 'policy simulate FOLDER [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `  FOLDER              with the policies to try
${CONFIG_HELP}
${JSON_HELP}

Where policies look at arguments, those that are kept (ledger.payloads) are read, which stands in the
ledger. A call whose arguments are not kept is judged only as far as they do not matter, and counted
as undecided otherwise. Addresses, how somebody signed in, and approvals are not recorded: what depends on
them is undecided. Time, principal, scopes, agents, tool, effect, definition, runs and what was found are.`,
  run: async (parsed, io) => {
    const set = await findSet(parsed, io)
    const engine = engineOf(set)
    await using gateway = await reach(findConfig(parsed, io), io)
    const outcomes: Replayed[] = []
    for await (const page of openings(gateway.admin)) {
      const known = await argumentsOf(gateway.admin, page, engine)
      outcomes.push(...page.flatMap((entry) => replay(engine, entry, set, known) ?? []))
    }
    const differing = outcomes.filter(
      ({ after, before }) => after !== 'undecided' && after !== before,
    )
    const undecided = outcomes.filter(({ after }) => after === 'undecided')
    if (flag(parsed, 'json')) {
      for (const one of differing) printJson(io, { kind: 'differs', ...one })
      printJson(io, {
        kind: 'simulated',
        calls: outcomes.length,
        differ: differing.length,
        undecided: undecided.length,
      })
      return EXIT.ok
    }
    const rows = differing.map(({ seq, at, principal, what, before, after, policies }) => [
      String(seq),
      new Date(at).toISOString(),
      principal,
      what,
      `${before} → ${after}`,
      policies.join(', '),
    ])
    if (rows.length > 0)
      print(io, table([['SEQ', 'TIME', 'PRINCIPAL', 'CALL', 'DECISION', 'POLICIES'], ...rows]))
    print(
      io,
      `${String(outcomes.length)} recorded calls: ${String(differing.length)} would be decided otherwise.`,
    )
    if (undecided.length > 0) {
      print(
        io,
        `${String(undecided.length)} depend on arguments, which are not kept: nothing is said of them.`,
      )
    }
    return EXIT.ok
  },
}

const PAGE = 1_000

async function* openings(admin: Admin): AsyncGenerator<readonly Entry[]> {
  for (let after = 0; ;) {
    const page = await admin.listEntries({ after })
    yield page.filter(({ kind }) => kind === 'call.opened')
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.seq
  }
}

/** Only tools are judged by what they are given. */
const TOOL = 'tools/call'
/** How many calls are read at one time. */
const READ_MAX = 200

/** The arguments that are kept of calls on which policies look at them, by call. */
async function argumentsOf(
  admin: Admin,
  page: readonly Entry[],
  engine: PolicyEngine,
): Promise<ReadonlyMap<string, Json>> {
  const calls = page
    .filter(({ body }) => textAt(body, 'payload') === 'kept' && textAt(body, 'method') === TOOL)
    .filter(({ body }) => engine.looksAtArguments(textAt(body, 'server')))
    .flatMap(({ call }) => (call === undefined ? [] : [call]))
  const known = new Map<string, Json>()
  for (let from = 0; from < calls.length; from += READ_MAX) {
    const asked = { calls: calls.slice(from, from + READ_MAX), why: 'policy simulate' }
    // oxlint-disable-next-line eslint/no-await-in-loop -- One page after the other.
    const { payloads } = await admin.readPayloads(asked)
    for (const { call, part, text } of payloads) {
      if (part === 'arguments' && text !== undefined) known.set(call, JSON.parse(text))
    }
  }
  return known
}

interface Replayed {
  readonly seq: number
  readonly at: number
  readonly principal: string
  readonly what: string
  readonly before: string
  readonly after: string
  readonly policies: readonly string[]
}

/** Undefined for what policies are asked about with words that the ledger does not have. */
function replay(
  engine: PolicyEngine,
  { seq, at, body, call = '' }: Entry,
  set: FoundSet,
  known: ReadonlyMap<string, Json>,
): Replayed | undefined {
  const bare = recorded(body, at, set)
  if (!bare) return undefined
  const given = known.get(call)
  const asked = given === undefined ? bare : { ...bare, arguments: given }
  const decision = own(body, 'decision')
  // What went out with an approval was asked about: that somebody said yes is no other decision.
  const wasApproved = isObject(decision) && own(decision, 'approval') !== undefined
  const before = wasApproved ? 'ask' : isObject(decision) ? textAt(decision, 'kind') : ''
  const { principal, resource } = asked
  const told = {
    seq,
    at,
    principal: principal.id,
    what: `${resource.server}/${resource.name}`,
    before,
  }
  const isKnown = given !== undefined || !engine.looksAtArguments(resource.server)
  if (engine.looksAtMoment(resource.server)) return { ...told, after: 'undecided', policies: [] }
  if (isKnown) {
    const { kind, policies } = engine.judge(asked)
    return { ...told, after: kind, policies }
  }
  // What no arguments would allow is denied with these too.
  return { ...told, after: engine.isListed(asked) ? 'undecided' : 'deny', policies: [] }
}

const TYPES = {
  'tools/call': { type: 'Tool', action: 'call' },
  'prompts/get': { type: 'Prompt', action: 'prompt' },
  'resources/read': { type: 'Resource', action: 'read' },
} as const

function recorded(body: JsonObject, at: number, set: FoundSet): Question | undefined {
  const method = textAt(body, 'method')
  const kind = Object.entries(TYPES).find(([name]) => name === method)?.[1]
  if (!kind) return undefined
  const authority = own(body, 'authority')
  const definition = textAt(body, 'definition')
  return {
    ...askedBy(textAt(body, 'principal'), isObject(authority) ? authority : {}, set),
    action: kind.action,
    resource: { type: kind.type, server: textAt(body, 'server'), name: textAt(body, 'name') },
    effect: EFFECTS.find((one) => one === textAt(body, 'effect')) ?? 'destructive',
    digest: definition === '' ? undefined : definition,
    view: textAt(body, 'view'),
    moment: clockOf(set.timeZone)(at),
    argumentsDigest: textAt(body, 'arguments'),
    ...flowIn(body),
  }
}

/** What was known then of the calls before it, and of what was found in it. */
function flowIn(body: JsonObject): Pick<Question, 'labels' | 'recent' | 'run' | 'found'> {
  const flow = own(body, 'flow')
  const said = isObject(flow) ? flow : {}
  const id = textAt(body, 'run')
  return {
    labels: textsAt(said, 'labels'),
    recent: textsAt(said, 'recent'),
    found: textsAt(body, 'found'),
    ...(id === '' ? {} : { run: { id, labels: textsAt(said, 'run') } }),
  }
}

/** Who asked, with what authority, as it was written down. */
function askedBy(id: string, authority: JsonObject, { groups }: FoundSet) {
  const [issuer, subject] = id.includes('#') ? splitLast(id) : [undefined, id]
  const client = textAt(authority, 'client')
  const actors = own(authority, 'actors')
  const acting = Array.isArray(actors) ? actors.filter(isObject) : []
  return {
    principal: {
      type: client !== '' && client === subject ? ('Workload' as const) : ('User' as const),
      id,
      subject,
      issuer,
      groups: Object.keys(groups).filter((group) => groups[group]?.includes(id)),
    },
    scopes: textsAt(authority, 'scopes'),
    agents: [
      ...(client === '' ? [] : [client]),
      ...acting.map(
        (one) =>
          `${textAt(one, 'issuer') || String(issuer)}#${encodeURIComponent(textAt(one, 'subject'))}`,
      ),
    ],
    delegation: acting.length,
    proof: textAt(authority, 'proof') || 'local',
  }
}

function splitLast(id: string): readonly [string, string] {
  const at = id.lastIndexOf('#')
  return [id.slice(0, at), decodeURIComponent(id.slice(at + 1))]
}

function textsAt(from: JsonObject, key: string): readonly string[] {
  const list = own(from, key)
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
}
