import { Fault, isObject, own, textAt, type Admin } from '@countersign/contract'
import { entryLeaf, toBase64 } from '@countersign/contract/ledger/index'
import type { Entry, Ledger, Tree } from '#audit'
import type { Desk } from '#tasks'
import { approvalsIn, isOfApproval } from './custody-approvals.ts'
import { plain, roundsIn } from './custody-rounds.ts'
import { childrenIn, readCalls } from './read-calls.ts'
import { undoerOf } from './task-detail.ts'
import { wholeCall, wholeTask } from './whole-id.ts'

export interface CustodyRooms {
  readonly ledger: Ledger
  readonly tree: Tree
  readonly desk: Desk
}

type Custody = Awaited<ReturnType<Admin['getCustody']>>
type RunCustody = Awaited<ReturnType<Admin['getRunCustody']>>
type Input<Name extends keyof Admin> = Parameters<Admin[Name]>[0]

/** All that is known of one call, put in order. Ids may be shortened. */
export async function getCustody(
  rooms: CustodyRooms,
  { call, task }: Input<'getCustody'>,
): Promise<Custody> {
  if ((call === undefined) === (task === undefined)) {
    throw new Fault('rpc/bad-params', 'Say which call, or which task.')
  }
  const id =
    call === undefined ? await callOf(rooms, task ?? '') : await wholeCall(rooms.ledger, call)
  return custodyOf(rooms, id)
}

/** The call behind a task; for one that takes a call back, that call. */
async function callOf({ desk }: CustodyRooms, given: string): Promise<string> {
  const task = await desk.look(await wholeTask(desk, given))
  const undone = task?.undoes === undefined ? task : await desk.look(task.undoes)
  const call = undone && desk.standing(undone)?.errand.call
  if (call !== undefined) return call
  const run = task?.run
  throw new Fault(
    'rpc/bad-params',
    `${given} is no call: it takes others back.${run === undefined ? '' : ` See: countersign why --run ${run}`}`,
  )
}

/** All calls of a run, the first one first. */
export async function getRunCustody(
  rooms: CustodyRooms,
  { run, owner = 'local', limit = 100 }: Input<'getRunCustody'>,
): Promise<RunCustody> {
  const { ledger, desk } = rooms
  const shown = Number(limit)
  const calls = await ledger.inRun({ principal: owner, run }, RUN_CALLS_MAX)
  if (calls.length === 0) {
    throw new Fault('rpc/bad-params', `The ledger has no run "${run}" of ${owner}.`)
  }
  const custodies: Custody[] = []
  for (const call of calls.slice(0, shown)) {
    // One after the other: a person asks, and calls go on meanwhile.
    // oxlint-disable-next-line eslint/no-await-in-loop
    custodies.push(await custodyOf(rooms, call))
  }
  const undoing = await undoingOf(desk, run, owner)
  return {
    custody: 'countersign-run/1',
    run,
    principal: owner,
    calls: custodies,
    leftOut: Math.max(0, calls.length - shown),
    ...(undoing ? { undoing } : {}),
  }
}

const RUN_CALLS_MAX = 10_000

async function undoingOf(desk: Desk, run: string, owner: string): Promise<RunCustody['undoing']> {
  const { tasks } = await desk.page({ run, owner, limit: 500 })
  const found = tasks.find(({ kind }) => kind === 'undo-run')
  return found && { id: found.id, state: found.state }
}

async function custodyOf(rooms: CustodyRooms, call: string): Promise<Custody> {
  const { ledger, tree } = rooms
  const entries = await ledger.of(call)
  const opened = entries.find(({ kind }) => kind === 'call.opened')
  if (!opened) throw new Fault('rpc/bad-params', `The ledger has no call "${call}".`)
  const rounds = roundsIn(entries)
  return {
    custody: 'countersign-custody/2',
    call,
    ...factsIn(opened),
    rounds,
    approvals: [...approvalsIn(entries, rounds)],
    following: await followingIn(ledger, entries),
    events: entries
      .filter((entry) => !isOfCall(entry) && !isOfApproval(entry))
      .map(({ at, kind, body }) => ({ at, kind, body: plain(body) })),
    ...(await taskOf(rooms, entries)),
    ledger: await provedBy(tree, entries),
  }
}

const CALL_KINDS: ReadonlySet<string> = new Set(['call.opened', 'call.closed', 'call.followed'])
const isOfCall = ({ kind }: Entry): boolean => CALL_KINDS.has(kind)

type Facts = Pick<
  Custody,
  | 'principal'
  | 'authority'
  | 'client'
  | 'view'
  | 'server'
  | 'method'
  | 'name'
  | 'effect'
  | 'definition'
  | 'run'
>

function factsIn({ body }: Entry): Facts {
  const said = (key: string): string => textAt(body, key)
  const authority = own(body, 'authority')
  const definition = own(body, 'definition')
  const run = own(body, 'run')
  return {
    principal: said('principal'),
    ...(isObject(authority) ? { authority: plain(authority) } : {}),
    client: said('client'),
    view: said('view'),
    server: said('server'),
    method: said('method'),
    name: said('name'),
    effect: said('effect'),
    ...(typeof definition === 'string' ? { definition } : {}),
    ...(typeof run === 'string' ? { run } : {}),
  }
}

/** Calls of our own that took it back, or looked whether it had happened. */
async function followingIn(
  ledger: Ledger,
  entries: readonly Entry[],
): Promise<Custody['following']> {
  const following: Custody['following'] = []
  for (const { at, kind, body } of entries) {
    if (kind !== 'call.followed') continue
    const call = textAt(body, 'by')
    // oxlint-disable-next-line eslint/no-await-in-loop -- There are few, and a person asks.
    const entriesOfIt = await ledger.of(call)
    const opened = entriesOfIt.find((one) => one.kind === 'call.opened')
    const last = roundsIn(entriesOfIt).at(-1)
    following.push({
      call,
      why: textAt(body, 'why') === 'undo' ? 'undo' : 'reconcile',
      at,
      ...(opened ? { tool: textAt(opened.body, 'name') } : {}),
      ...(last?.outcome === undefined ? {} : { outcome: last.outcome }),
      ...(last?.isError === undefined ? {} : { isError: last.isError }),
    })
  }
  return following
}

async function taskOf(
  { desk }: CustodyRooms,
  entries: readonly Entry[],
): Promise<Pick<Custody, 'task'>> {
  const created = entries.find(({ kind }) => kind === 'task.created')
  const task = created && (await desk.look(textAt(created.body, 'task')))
  if (!task) return {}
  const { id, state, parent } = task
  const journal = await desk.journal(id)
  const [children, undoer] = await Promise.all([
    Promise.all([...childrenIn(journal).values()].map((child) => lineOf(desk, child))),
    undoerOf(desk, task),
  ])
  return {
    task: {
      id,
      state,
      calls: readCalls(journal, state),
      children,
      ...(parent === undefined ? {} : { parent }),
      ...(undoer === undefined ? {} : { undoneBy: await lineOf(desk, undoer) }),
    },
  }
}

const lineOf = async (desk: Desk, id: string): Promise<{ id: string; state: string }> => ({
  id,
  state: (await desk.look(id))?.state ?? 'gone',
})

async function provedBy(tree: Tree, entries: readonly Entry[]): Promise<Custody['ledger']> {
  const proofs = await Promise.all(
    entries.map(async ({ seq, at, kind, call, body }) => {
      const proof = await tree.proof(seq)
      return {
        index: seq - 1,
        leaf: toBase64(entryLeaf({ at, kind, ...(call === undefined ? {} : { call }), body })),
        ...(proof
          ? { proof: { size: proof.size, path: proof.path.map(toBase64), checkpoint: proof.note } }
          : {}),
      }
    }),
  )
  return {
    origin: tree.origin,
    entries: entries.map(({ seq }) => seq),
    isSigned: proofs.at(-1)?.proof !== undefined,
    proofs,
  }
}
