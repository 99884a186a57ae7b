import type { Admin } from '@countersign/contract'
import type { Approvals, Grants, Reviews } from '#approvals'
import type { KeptPayloads, Ledger, LedgerKeys, Tree } from '#audit'
import type { ClientDesk, Revocations, Users } from '#auth'
import type { World } from '#base'
import type { Feeds } from '#feeds'
import type { Brakes, LivePolicy, OpenQuotas } from '#policy'
import type { Catalog, ToolRules, Views } from '#registry'
import type { Records } from '#store'
import type { Desk } from '#tasks'
import type { Log } from '#telemetry'
import type { Upstream } from '#upstream'
import type { ConnectionDesk } from '#vault'
import type { Witnesses } from '#witness'
import { listBrakes, pullBrake, releaseBrake } from './brakes.ts'
import { getCustody, getRunCustody } from './custody.ts'
import { eraseSubject } from './erase.ts'
import { readPayloads } from './payloads.ts'
import { exportLedger, getLedgerKey, getReceipt, rotateLedgerKey } from './ledger.ts'
import { feedOperations } from './feeds.ts'
import { clientOperations } from './clients.ts'
import { connectionOperations } from './connections.ts'
import { decideApproval, getApproval, listApprovals } from './approvals.ts'
import { policyOperations } from './policies.ts'
import { listQuotas, resetQuota } from './quotas.ts'
import { grantOperations } from './grants.ts'
import { listServers } from './list-servers.ts'
import { listTools } from './list-tools.ts'
import { revoke } from './revoke.ts'
import { userOperations } from './users.ts'
import { cancelTask, getTask, listTasks, settleTask, undoRun, undoTask } from './tasks.ts'

export interface AdminRooms {
  readonly world: World
  readonly approvals: Approvals
  /** A yes in advance. */
  readonly grants: Grants
  /** A yes by one person alone, and who looks at it afterwards. */
  readonly reviews: Reviews
  readonly catalog: Catalog
  /** Calls that are answered later. */
  readonly desk: Desk
  readonly ledger: Ledger
  readonly tree: Tree
  /** The keys that the ledger was signed with. */
  readonly ledgerKeys: LedgerKeys
  /** Who keeps its checkpoints elsewhere. */
  readonly witnesses: Pick<Witnesses, 'list'>
  readonly log: Log
  readonly records: Records
  /** What calls carried, and the keys of those whose calls they were. */
  readonly kept: KeptPayloads
  /** Writes the database files anew, so that nothing deleted is left; undefined where it is not ours to do. */
  readonly scrub: (() => Promise<void>) | undefined
  readonly brakes: Brakes
  readonly quotas: OpenQuotas
  /** Undefined where there are none. */
  readonly policy: LivePolicy | undefined
  readonly views: Views
  /** What the operator decided about single tools. */
  readonly rules: ToolRules
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** What is let in no longer, before its time. */
  readonly revocations: Revocations
  /** Ends the tasks of those who were revoked; resolves when that is done. */
  readonly endRevoked: () => Promise<void>
  /** Those who may sign in at the embedded authorization server. */
  readonly users: Users
  /** The clients that are registered there. */
  readonly clients: ClientDesk
  /** What is shown to servers behind us. */
  readonly connections: ConnectionDesk
  /** What others are told. */
  readonly feeds: Feeds
}

/** Every operation of the control plane. */
export const makeAdmin = (rooms: AdminRooms): Admin => ({
  listServers: async () => listServers(rooms),
  listTools: async ({ view }) => listTools(rooms, view ?? ''),
  listEntries: async ({ after, last }) => {
    const entries = await rooms.ledger.read({
      ...(after === undefined ? {} : { after: Number(after) }),
      ...(last === undefined ? {} : { last: Number(last) }),
    })
    return entries.map(({ call, body, ...entry }) => ({
      ...entry,
      ...(call === undefined ? {} : { call }),
      body: JSON.parse(JSON.stringify(body)),
    }))
  },
  exportLedger: (input) => exportLedger(rooms, input),
  getLedgerKey: () => getLedgerKey(rooms),
  rotateLedgerKey: () => rotateLedgerKey(rooms),
  listWitnesses: async () => [...(await rooms.witnesses.list())],
  listBrakes: () => listBrakes(rooms),
  pullBrake: (input) => pullBrake(rooms, input),
  releaseBrake: (input) => releaseBrake(rooms, input),
  ...policyOperations(rooms),
  listQuotas: () => listQuotas(rooms),
  resetQuota: (input) => resetQuota(rooms, input),
  getCustody: (input) => getCustody(rooms, input),
  getRunCustody: (input) => getRunCustody(rooms, input),
  readPayloads: (input) => readPayloads(rooms, input),
  eraseSubject: (input) => eraseSubject(rooms, input),
  getReceipt: (input) => getReceipt(rooms, input),
  listTasks: (input) => listTasks(rooms, input),
  getTask: (input) => getTask(rooms, input),
  cancelTask: (input) => cancelTask(rooms, input),
  settleTask: (input) => settleTask(rooms, input),
  undoTask: (input) => undoTask(rooms, input),
  undoRun: (input) => undoRun(rooms, input),
  listApprovals: (input) => listApprovals(rooms, input),
  getApproval: (input) => getApproval(rooms, input),
  decideApproval: (input) => decideApproval(rooms, input),
  ...grantOperations(rooms),
  revoke: (input) => revoke(rooms, input),
  ...userOperations(rooms.users),
  ...clientOperations(rooms.clients),
  ...connectionOperations(rooms.connections),
  ...feedOperations(rooms.feeds),
})
