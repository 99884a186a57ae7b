import { Fault, isObject, own, textAt, type Admin, type JsonObject } from '@countersign/contract'
import type { Entry, Ledger, Tree } from '#audit'
import type { Desk } from '#tasks'

interface CustodyRooms {
  readonly ledger: Ledger
  readonly tree: Tree
  readonly desk: Desk
}

type Custody = Awaited<ReturnType<Admin['getCustody']>>
type Round = Custody['rounds'][number]

/** All that the ledger knows of one call, put in order. */
export async function getCustody(
  { ledger, tree, desk }: CustodyRooms,
  { call }: { readonly call: string },
): Promise<Custody> {
  const entries = ledger.of(call)
  const opened = entries.find(({ kind }) => kind === 'call.opened')
  if (!opened) throw new Fault('rpc/bad-params', `The ledger has no call "${call}".`)
  const { body } = opened
  const said = (key: string): string => textAt(body, key)
  const authority = own(body, 'authority')
  const definition = own(body, 'definition')
  const last = entries.at(-1)?.seq ?? 0
  return {
    custody: 'countersign-custody/1',
    call,
    principal: said('principal'),
    ...(isObject(authority) ? { authority: plain(authority) } : {}),
    client: said('client'),
    view: said('view'),
    server: said('server'),
    method: said('method'),
    name: said('name'),
    effect: said('effect'),
    ...(typeof definition === 'string' ? { definition } : {}),
    rounds: roundsIn(entries),
    events: entries
      .filter(({ kind }) => !kind.startsWith('call.'))
      .map(({ at, kind, body: what }) => ({ at, kind, body: plain(what) })),
    ...(await taskOf(desk, entries)),
    ledger: {
      origin: tree.origin,
      entries: entries.map(({ seq }) => seq),
      isSigned: tree.proof(last) !== undefined,
    },
  }
}

function roundsIn(entries: readonly Entry[]): Round[] {
  const rounds = new Map<string, Round>()
  for (const { at, kind, call = '', body } of entries) {
    if (kind === 'call.opened') rounds.set(call, openedAs(call, at, body))
    const round = rounds.get(call)
    if (kind === 'call.closed' && round) rounds.set(call, { ...round, ...closedAs(at, body) })
  }
  return [...rounds.values()]
}

function openedAs(call: string, at: number, body: JsonObject): Round {
  const round = own(body, 'round')
  return {
    call,
    round: typeof round === 'number' ? round : 1,
    openedAt: at,
    arguments: textAt(body, 'arguments'),
    decision: decisionIn(own(body, 'decision')),
  }
}

function decisionIn(said: unknown): Round['decision'] {
  const decision = isObject(said) ? said : {}
  const policies = own(decision, 'policies')
  const version = own(decision, 'version')
  const number = isObject(version) ? own(version, 'number') : undefined
  const kind = textAt(decision, 'kind')
  return {
    kind: kind === 'ask' || kind === 'deny' ? kind : 'allow',
    policies: (Array.isArray(policies) ? policies : []).filter((one) => typeof one === 'string'),
    ...(isObject(version) && typeof number === 'number'
      ? { version: { number, digest: textAt(version, 'digest') } }
      : {}),
  }
}

function closedAs(at: number, body: JsonObject): Partial<Round> {
  const [outcome, reason, isError, durationMs, credential] = [
    'outcome',
    'reason',
    'isError',
    'durationMs',
    'credential',
  ].map((key) => own(body, key))
  return {
    closedAt: at,
    ...(typeof outcome === 'string' ? { outcome } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof isError === 'boolean' ? { isError } : {}),
    ...(typeof durationMs === 'number' ? { durationMs } : {}),
    ...(typeof credential === 'string' ? { credential } : {}),
  }
}

async function taskOf(desk: Desk, entries: readonly Entry[]): Promise<Pick<Custody, 'task'>> {
  const created = entries.find(({ kind }) => kind === 'task.created')
  const task = created && (await desk.look(textAt(created.body, 'task')))
  return task ? { task: { id: task.id, state: task.state } } : {}
}

const plain = (value: JsonObject): Custody['events'][number]['body'] =>
  JSON.parse(JSON.stringify(value))
