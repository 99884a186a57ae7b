// The whole house with policies, over real HTTP, in front of servers over stdio.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemWorld, type World } from '#base'
import { parseConfig } from '#config'
import { announce } from '../../src/cli/running.ts'
import { openHouse, type House } from '../../src/server.ts'
import { overStdio, type LedgerLine } from '../stories/house.ts'

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** A house that listens, with a folder of policies that the story may write into. */
export interface PolicyHouse extends AsyncDisposable {
  readonly house: House
  readonly folder: string
  readonly at: (view?: string) => URL
  /** The effects that the cabinet had, oldest first. */
  readonly effects: () => readonly string[]
  readonly entries: (kind?: string) => Promise<readonly LedgerLine[]>
  readonly log: readonly LogLine[]
  /** Has the cabinet describe its tools otherwise, and say so with the next call. */
  readonly describe: (text: string) => void
  /** Writes a file of policies as editors do: whole, in the place of the old one. */
  readonly write: (name: string, text: string) => void
  /** Ends the house and leaves its folder until the story is over. */
  readonly stop: () => Promise<void>
}

const CABINET = fileURLToPath(new URL('cabinet.ts', import.meta.url))

interface Plan {
  readonly policies: Readonly<Record<string, string>>
  readonly source?: 'folder' | 'admin'
  readonly groups?: Readonly<Record<string, readonly string[]>>
  /** How long people have to answer. */
  readonly approvalTtl?: string
  /** The rest of `policy.approvals`. */
  readonly approvals?: Readonly<Record<string, unknown>>
  readonly tasks?: Readonly<Record<string, unknown>>
  readonly quotas?: readonly Readonly<Record<string, unknown>>[]
  /** Beside the cabinet and the peer. */
  readonly servers?: Readonly<Record<string, object>>
  readonly world?: World
}

export async function openPolicyHouse(plan: Plan): Promise<PolicyHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-policy-'))
  const policies = join(folder, 'policies')
  const effects = join(folder, 'effects.txt')
  mkdirSync(policies)
  for (const [name, text] of Object.entries(plan.policies))
    writeFileSync(join(policies, name), text)
  const written = {
    listen: { port: 0 },
    data: join(folder, 'data'),
    servers: {
      cabinet: { command: process.execPath, args: [CABINET, effects] },
      peer: overStdio('newPeer'),
      ...plan.servers,
    },
    ...(plan.quotas ? { quotas: plan.quotas } : {}),
    ...(plan.tasks ? { tasks: plan.tasks } : {}),
    policy: {
      folder: 'policies',
      ...(plan.source === undefined ? {} : { source: plan.source }),
      groups: plan.groups ?? {},
      approvals: {
        ...plan.approvals,
        ...(plan.approvalTtl === undefined ? {} : { ttl: plan.approvalTtl }),
      },
    },
  }
  const world = plan.world ?? systemWorld
  const path = join(folder, 'countersign.json')
  writeFileSync(path, JSON.stringify(written))
  const log: LogLine[] = []
  const logAt = (level: string) => (facts: object, message: string) =>
    void log.push({ level, message, facts: { ...facts } })
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const house = await openHouse(parseConfig({ world, text: JSON.stringify(written), path }), {
    world,
    log: { info: logAt('info'), warn: logAt('warn'), error: logAt('error'), debug: logAt('debug') },
  }).catch((thrown: unknown) => {
    remove()
    throw thrown
  })
  const alive = setInterval(() => undefined, 60_000)
  const { port } = await house.listen()
  // Commands of a story find it as they find one that was started by hand.
  announce(house.config, world, `http://127.0.0.1:${port}/`)
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopped ??= Promise.resolve(house[Symbol.asyncDispose]())
    await stopped
  }
  return {
    stop,
    house,
    folder,
    log,
    at: (view = 'cabinet') =>
      new URL(`http://127.0.0.1:${port}/mcp${view === '' ? '' : `/${view}`}`),
    effects: () => (existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : []),
    entries: async (kind) => {
      const all = await house.ledger.read({ after: 0 })
      return all.filter((one) => kind === undefined || one.kind === kind)
    },
    describe: (text) => {
      writeFileSync(`${effects}.description`, text)
    },
    write: (name, text) => {
      writeFileSync(join(folder, name), text)
      renameSync(join(folder, name), join(policies, name))
    },
    async [Symbol.asyncDispose]() {
      try {
        await stop()
      } finally {
        clearInterval(alive)
        remove()
      }
    },
  }
}
