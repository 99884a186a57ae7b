// A house in front of bookings, with what is kept of its calls, and the admin API over real HTTP.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, TASKS_EXTENSION, type Admin } from '@countersign/contract'
import { makeFolder, openTestHouse, PROGRAMS, type TestHouse } from '../stories/house.ts'
import type { Loose } from '../stories/clients.ts'
import { ask, envelope, modern, type Wire } from '../stories/raw.ts'

export const KEEPS = { arguments: 'keep', results: 'keep' }

export interface KeptHouse extends AsyncDisposable {
  readonly open: TestHouse
  readonly admin: Admin
  readonly data: string
  /** Calls a tool of the bookings and waits for the answer, without tasks. */
  readonly call: (tool: string, args: Loose, meta?: Loose) => Promise<Wire>
  /** The same from a client with tasks: the id of the task. */
  readonly begin: (tool: string, args: Loose, meta?: Loose) => Promise<string>
}

export interface KeptPlan {
  /** The folder of the data and of the server's effects; it stays. */
  readonly folder: string
  readonly payloads?: Loose
  readonly tasks?: Loose
}

export async function openKept({ folder, payloads = KEEPS, tasks }: KeptPlan): Promise<KeptHouse> {
  const compensate = { tool: 'cancel_booking', arguments: { id: '$.result.structuredContent.id' } }
  const data = join(folder, 'data')
  const open = await openTestHouse({
    data,
    ledger: { reads: 'ahead', payloads },
    tasks: tasks ?? { after: '100 ms' },
    servers: {
      bookings: {
        command: process.execPath,
        args: [PROGRAMS.bookings, join(folder, 'effects')],
        era: 'legacy',
        tools: { book: { compensate } },
      },
    },
  })
  const base = new URL(`http://127.0.0.1:${open.port}`)
  const admin = connect(base, () => open.house.adminToken.reveal())
  const request = async (tool: string, args: Loose, meta: Loose): Promise<Wire> => {
    const params = { name: `bookings_${tool}`, arguments: args }
    return (await ask(open.at(), modern('tools/call', { params, meta }))).json.result
  }
  return {
    open,
    admin,
    data,
    call: (tool, args, meta = {}) => request(tool, args, envelope(meta)),
    begin: async (tool, args, meta = {}) => {
      const capabilities = { extensions: { [TASKS_EXTENSION]: {} } }
      return (await request(tool, args, envelope(meta, capabilities))).taskId
    },
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  }
}

export const callIdOf = (result: Wire): string => result._meta['dev.countersign/receipt'].call

/** The files under a folder that hold these words as they are. */
export function filesWith(folder: string, words: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .filter((path) => readFileSync(path).includes(words))
}

export { makeFolder }
