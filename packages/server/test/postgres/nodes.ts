// Several whole houses on one database, each with a folder of its own and the same keys.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemWorld } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'
import { overStdio } from '../stories/house.ts'

const CABINET = fileURLToPath(new URL('../policy/cabinet.ts', import.meta.url))

export interface Node extends AsyncDisposable {
  readonly house: House
  readonly at: (view?: string) => URL
  readonly stop: () => Promise<void>
}

export interface Nodes extends AsyncDisposable {
  readonly folder: string
  /** Effects that the cabinet had, on whichever node, oldest first. */
  readonly effects: () => readonly string[]
  /** The folder of one node. */
  readonly place: (name: string) => string
  /** What one node is configured with, as text. */
  readonly configOf: (name: string) => string
  /** With a clock that is so far ahead of ours. */
  readonly open: (name: string, aheadMs?: number) => Promise<Node>
}

export interface NodesPlan {
  readonly policies?: string
  readonly auth?: Readonly<Record<string, unknown>>
  /** What is kept of calls. */
  readonly payloads?: Readonly<Record<string, unknown>>
  /** What others are told. */
  readonly events?: Readonly<Record<string, unknown>>
  /** Leaves each node to make keys of its own. */
  readonly hasOwnKeys?: boolean
}

export function makeNodes(address: string, plan: NodesPlan = {}): Nodes {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-nodes-'))
  const effects = join(folder, 'effects.txt')
  const place = (name: string): string => join(folder, name)
  let keysOf: string | undefined
  const nodes = new Set<Node>()
  /** Every node has the keys of the first one. */
  const furnish = (name: string): void => {
    mkdirSync(join(place(name), 'policies'), { recursive: true })
    const keys = (of: string): string => join(place(of), 'data', 'keys')
    if (keysOf !== undefined && plan.hasOwnKeys !== true && !existsSync(keys(name))) {
      cpSync(keys(keysOf), keys(name), { recursive: true })
    }
    keysOf ??= name
    if (plan.policies !== undefined) {
      writeFileSync(join(place(name), 'policies', 'a.cedar'), plan.policies)
    }
  }
  const configOf = (name: string): string =>
    JSON.stringify({
      listen: { port: 0, ...(plan.auth ? { publicUrl: 'https://mcp.example' } : {}) },
      data: join(place(name), 'data'),
      store: { postgres: '${TEST_DATABASE}', connections: 6 },
      ledger: { reads: 'ahead', ...(plan.payloads ? { payloads: plan.payloads } : {}) },
      servers: {
        cabinet: { command: process.execPath, args: [CABINET, effects], cwd: folder },
        peer: { ...overStdio('newPeer'), cwd: folder },
      },
      ...(plan.auth ? { auth: plan.auth } : {}),
      ...(plan.events ? { events: plan.events } : {}),
      ...(plan.policies === undefined
        ? {}
        : { policy: { folder: 'policies', groups: { sre: ['operator'] } } }),
    })
  const worldOf = (aheadMs: number) => ({
    ...systemWorld,
    now: () => systemWorld.now() + aheadMs,
    env: (name: string) => (name === 'TEST_DATABASE' ? address : systemWorld.env(name)),
  })
  const open = async (name: string, aheadMs = 0): Promise<Node> => {
    furnish(name)
    const world = worldOf(aheadMs)
    const path = join(place(name), 'countersign.json')
    const config = parseConfig({ world, text: configOf(name), path })
    const house = await openHouse(config, { world, log: silentLog })
    const alive = setInterval(() => undefined, 60_000)
    const { port } = await house.listen()
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> => {
      clearInterval(alive)
      return (stopped ??= Promise.resolve(house[Symbol.asyncDispose]()))
    }
    const at = (view = 'cabinet'): URL => new URL(`http://127.0.0.1:${port}/mcp/${view}`)
    const node = { house, at, stop, [Symbol.asyncDispose]: stop }
    nodes.add(node)
    return node
  }
  return {
    folder,
    place,
    configOf,
    open,
    effects: () => (existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : []),
    async [Symbol.asyncDispose]() {
      await Promise.all([...nodes].map((node) => node.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
