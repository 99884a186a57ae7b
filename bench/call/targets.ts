import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { message, startModule, type Running } from '../processes.ts'
import { makeHome, startGateway, VIEW, type Behind, type Setup } from './gateway.ts'
import type { Issuer, Shown } from './issuer.ts'
import type { Done, Job } from './load.ts'
import { legacyCall, modernCall, READ_TOOL, WRITE_TOOL, type Encoded } from './wire.ts'

/** What is called, and how. Each runs in a process of its own. */
export interface TargetSpec {
  readonly id: TargetId
  readonly title: string
  readonly call: Encoded
  readonly session: boolean
}

export type TargetId =
  | 'direct'
  | 'bare'
  | 'read'
  | 'bearer'
  | 'dpop'
  | 'write'
  | 'legacy'
  | 'stdio'
  | 'policies5'
  | 'policies50'
  | 'policies500'

const read = modernCall(READ_TOOL)

export const TARGETS: readonly TargetSpec[] = [
  { id: 'direct', title: 'upstream, directly', call: read, session: false },
  { id: 'bare', title: 'bare Node proxy', call: read, session: false },
  { id: 'read', title: 'Countersign, read', call: read, session: false },
  { id: 'bearer', title: 'Countersign, read, with a token', call: read, session: false },
  { id: 'dpop', title: 'Countersign, read, with a proof each', call: read, session: false },
  { id: 'write', title: 'Countersign, write', call: modernCall(WRITE_TOOL), session: false },
  {
    id: 'legacy',
    title: 'Countersign, legacy session',
    call: legacyCall(READ_TOOL),
    session: true,
  },
  { id: 'stdio', title: 'Countersign, stdio server', call: read, session: false },
  { id: 'policies5', title: 'Countersign, read, 5 policies', call: read, session: false },
  { id: 'policies50', title: 'Countersign, read, 50 policies', call: read, session: false },
  { id: 'policies500', title: 'Countersign, read, 500 policies', call: read, session: false },
]

export interface Target extends TargetSpec {
  readonly origin: string
  readonly path: string
  /** What goes with each call, where calls need a token. */
  readonly shown?: Shown
  readonly running: Running
}

const moduleAt = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface Served {
  readonly running: Running
  readonly origin: string
}

async function serve(name: string, args: readonly string[], execArgv: readonly string[]) {
  const running = startModule(moduleAt(name), args, execArgv)
  const { port } = await message<{ readonly port: number }>(running)
  return { running, origin: `http://127.0.0.1:${String(port)}` }
}

export const startUpstream = (): Promise<Served> => serve('upstream.ts', [], [])

export const startBareProxy = (
  upstream: string,
  execArgv: readonly string[] = [],
): Promise<Served> => serve('bare-proxy.ts', [upstream], execArgv)

export const startLoad = async (): Promise<Running> => {
  const load = startModule(moduleAt('load.ts'))
  await message(load)
  return load
}

/** Lets the clients run one job. */
export function apply(load: Running, job: Job): Promise<Done> {
  const answered = message<Done>(load)
  load.child.send(job)
  return answered
}

/** What all targets have in common. */
export interface Around {
  readonly upstream: Served
  readonly issuer: Issuer
  readonly folder: string
}

/** How many policies judge its calls, where that is what it is for. */
function setupOf(id: TargetId): Setup {
  const [, count] = /^policies(\d+)$/.exec(id) ?? []
  return count === undefined ? {} : { policies: Number(count) }
}

/** Starts one target in front of the upstream, with a data folder of its own where it needs one. */
export async function startTarget(
  spec: TargetSpec,
  { upstream, issuer, folder }: Around,
): Promise<Target> {
  if (spec.id === 'direct') return { ...spec, ...upstream, path: VIEW }
  if (spec.id === 'bare') {
    return { ...spec, ...(await startBareProxy(upstream.origin)), path: VIEW }
  }
  const behind: Behind = spec.id === 'stdio' ? 'stdio' : { url: `${upstream.origin}${VIEW}` }
  const isProven = spec.id === 'bearer' || spec.id === 'dpop'
  const setup = isProven ? { issuer } : setupOf(spec.id)
  const gateway = await startGateway(makeHome(join(folder, spec.id), behind, setup))
  const served = { ...spec, ...gateway, path: VIEW }
  if (!isProven) return served
  return { ...served, shown: spec.id === 'dpop' ? issuer.bound : issuer.bearer }
}
