import type { Admin } from '@countersign/contract'
import type { Approvals } from '#approvals'
import type { Ledger, Tree } from '#audit'
import type { ClientDesk, Revocations, Users } from '#auth'
import type { World } from '#base'
import type { Brakes } from '#policy'
import type { Catalog, ToolRules, Views } from '#registry'
import type { Desk } from '#tasks'
import type { Upstream } from '#upstream'
import type { ConnectionDesk } from '#vault'
import { listBrakes, pullBrake, releaseBrake } from './brakes.ts'
import { getCustody } from './custody.ts'
import { exportLedger, getLedgerKey, getReceipt } from './ledger.ts'
import { clientOperations } from './clients.ts'
import { connectionOperations } from './connections.ts'
import { decideApproval, getApproval, listApprovals } from './approvals.ts'
import { listServers } from './list-servers.ts'
import { listTools } from './list-tools.ts'
import { revoke } from './revoke.ts'
import { userOperations } from './users.ts'
import { cancelTask, getTask, listTasks, settleTask, undoRun, undoTask } from './tasks.ts'

export interface AdminRooms {
  readonly world: World
  readonly approvals: Approvals
  readonly catalog: Catalog
  /** Calls that are answered later. */
  readonly desk: Desk
  readonly ledger: Ledger
  readonly tree: Tree
  readonly brakes: Brakes
  readonly views: Views
  /** What the operator decided about single tools. */
  readonly rules: ToolRules
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** What is let in no longer, before its time. */
  readonly revocations: Revocations
  /** Those who may sign in at the embedded authorization server. */
  readonly users: Users
  /** The clients that are registered there. */
  readonly clients: ClientDesk
  /** What is shown to servers behind us. */
  readonly connections: ConnectionDesk
}

/** Every operation of the control plane. */
export const makeAdmin = (rooms: AdminRooms): Admin => ({
  listServers: async () => listServers(rooms),
  listTools: async ({ view }) => listTools(rooms, view ?? ''),
  listEntries: async ({ after, last }) =>
    rooms.ledger
      .read({
        ...(after === undefined ? {} : { after: Number(after) }),
        ...(last === undefined ? {} : { last: Number(last) }),
      })
      .map(({ call, body, ...entry }) => ({
        ...entry,
        ...(call === undefined ? {} : { call }),
        body: JSON.parse(JSON.stringify(body)),
      })),
  exportLedger: (input) => exportLedger(rooms, input),
  getLedgerKey: () => getLedgerKey(rooms),
  listBrakes: () => listBrakes(rooms),
  pullBrake: (input) => pullBrake(rooms, input),
  releaseBrake: (input) => releaseBrake(rooms, input),
  getCustody: (input) => getCustody(rooms, input),
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
  revoke: (input) => revoke(rooms, input),
  ...userOperations(rooms.users),
  ...clientOperations(rooms.clients),
  ...connectionOperations(rooms.connections),
})
