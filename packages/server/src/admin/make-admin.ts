import type { Admin } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'
import type { Catalog, ToolRules, Views } from '#registry'
import type { Desk } from '#tasks'
import type { Upstream } from '#upstream'
import { listServers } from './list-servers.ts'
import { listTools } from './list-tools.ts'
import { cancelTask, getTask, listTasks, settleTask, undoRun, undoTask } from './tasks.ts'

export interface AdminRooms {
  readonly world: World
  readonly catalog: Catalog
  /** Calls that are answered later. */
  readonly desk: Desk
  readonly ledger: Ledger
  readonly views: Views
  /** What the operator decided about single tools. */
  readonly rules: ToolRules
  readonly upstreams: ReadonlyMap<string, Upstream>
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
  listTasks: (input) => listTasks(rooms, input),
  getTask: (input) => getTask(rooms, input),
  cancelTask: (input) => cancelTask(rooms, input),
  settleTask: (input) => settleTask(rooms, input),
  undoTask: (input) => undoTask(rooms, input),
  undoRun: (input) => undoRun(rooms, input),
})
