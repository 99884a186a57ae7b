/** Where the time went, read from a `.cpuprofile` of V8. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[]
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly startTime: number
  readonly endTime: number
  readonly samples: readonly number[]
  /** Microseconds from each sample to the one before; the first counts from `startTime`. */
  readonly timeDeltas: readonly number[]
}

/** Moments on the clock of the profile, in microseconds. */
export interface Window {
  readonly fromUs: number
  readonly toUs: number
}

export interface Spent {
  readonly name: string
  readonly us: number
}

export interface Summary {
  /** Time at work: everything but waiting. */
  readonly busyUs: number
  /** Self time by module: a file of ours, a package, a part of Node, the collector. */
  readonly modules: readonly Spent[]
  /** Self time by function. */
  readonly functions: readonly Spent[]
  /** Time inside functions of ours with all they called before they returned or first waited. */
  readonly within: readonly Spent[]
}

const INTERVAL_US = 250

/** What makes Node write a profile into `folder` when it ends. */
export const profileFlags = (folder: string, name: string): readonly string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${folder}`,
  `--cpu-prof-name=${name}.cpuprofile`,
  `--cpu-prof-interval=${String(INTERVAL_US)}`,
]

/** Sums up the profile of a process that has ended. */
export function readProfile(folder: string, name: string, root: string, window?: Window): Summary {
  const text = readFileSync(join(folder, `${name}.cpuprofile`), 'utf8')
  const profile: CpuProfile = JSON.parse(text)
  return summarize(profile, root, window)
}

/** Sums up the part of a profile inside `window`; all of it when the window lies elsewhere. */
export function summarize(profile: CpuProfile, root: string, window?: Window): Summary {
  const self = selfTimes(profile, window)
  const used = self.size > 0 ? self : selfTimes(profile, undefined)
  const modules = new Map<string, number>()
  const functions = new Map<string, number>()
  let busyUs = 0
  for (const { id, callFrame } of profile.nodes) {
    const us = used.get(id) ?? 0
    if (us === 0 || callFrame.functionName === '(idle)') continue
    busyUs += us
    add(modules, moduleOf(callFrame, root), us)
    add(functions, placeOf(callFrame, root), us)
  }
  const within = timesWithin(profile, used, root)
  return { busyUs, modules: ranked(modules), functions: ranked(functions), within: ranked(within) }
}

function selfTimes(profile: CpuProfile, window: Window | undefined): Map<number, number> {
  const self = new Map<number, number>()
  let at = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    const delta = Math.max(0, profile.timeDeltas[index] ?? 0)
    at += delta
    const isInside = !window || (at >= window.fromUs && at <= window.toUs)
    if (isInside) self.set(id, (self.get(id) ?? 0) + delta)
  }
  return self
}

/** A function that calls itself is counted once: only its outermost frame on a stack adds up. */
function timesWithin(
  { nodes }: CpuProfile,
  self: ReadonlyMap<number, number>,
  root: string,
): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const within = new Map<string, number>()
  const isChild = new Set(nodes.flatMap(({ children = [] }) => children))
  const visit = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const place = isOurs(node.callFrame, root) ? placeOf(node.callFrame, root) : undefined
    const isOutermost = place !== undefined && !above.has(place)
    const stack = isOutermost ? new Set([...above, place]) : above
    let us = self.get(node.id) ?? 0
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child) us += visit(child, stack)
    }
    if (isOutermost && us > 0) add(within, place, us)
    return us
  }
  for (const node of nodes) if (!isChild.has(node.id)) visit(node, new Set())
  return within
}

const add = (sums: Map<string, number>, name: string, us: number): void =>
  void sums.set(name, (sums.get(name) ?? 0) + us)

const ranked = (sums: ReadonlyMap<string, number>): readonly Spent[] =>
  [...sums].map(([name, us]) => ({ name, us })).toSorted((a, b) => b.us - a.us)

/** As written, or as it is built and published. */
const OURS = /^(?:packages|build)\//

const isOurs = ({ url }: CallFrame, root: string): boolean =>
  OURS.test(inRepository(url, root) ?? '') && !url.includes('/node_modules/')

/** The path from the repository's root, or undefined for what is not in it. */
function inRepository(url: string, root: string): string | undefined {
  const home = root.endsWith('/') ? root : `${root}/`
  const path = url.startsWith('file://') ? decodeURIComponent(url.slice('file://'.length)) : url
  return path.startsWith(home) ? path.slice(home.length) : undefined
}

const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/

/** `packages/server/src/audit/ledger.ts`, `undici`, `node:internal/streams`, `native writev`. */
function moduleOf(frame: CallFrame, root: string): string {
  const { url, functionName } = frame
  if (url === '') return functionName.startsWith('(') ? functionName : `native ${functionName}`
  // Node strips the types of our files with a compiler that is WebAssembly.
  if (url.startsWith('wasm:')) return 'node: type stripping'
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/')
  const dependency = PACKAGE.exec(url)?.[1]
  return dependency ?? inRepository(url, root) ?? '(elsewhere)'
}

function placeOf(frame: CallFrame, root: string): string {
  const { functionName, lineNumber, url } = frame
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = inRepository(url, root) ?? url
  const dependency = PACKAGE.exec(url)?.[1]
  const where = dependency === undefined ? file : `${dependency}/${url.split('/').at(-1) ?? ''}`
  return `${name} ${where}:${String(lineNumber + 1)}`
}
