import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './statistics.ts'

/** Where and when figures were taken: without it they mean nothing. Names no machine and no person. */
export interface Machine {
  readonly date: string
  readonly commit: string | undefined
  readonly node: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  /** One small write and its fsync, in milliseconds: what no write-ahead can be cheaper than here. */
  readonly fsyncMs: number
}

const FSYNCS = 60
const PAGE_BYTES = 4_096

export function machine(root: string, folder: string): Machine {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: commitOf(root),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    fsyncMs: fsyncMs(folder),
  }
}

/** The line below the title of a report: which command, when, and on what. */
export function writtenBy(bench: string, of: Machine): string {
  const { cpu, cores, memoryGib, node, platform, date, commit, fsyncMs: fsync } = of
  const at = commit === undefined ? '' : `, commit ${commit}`
  return `Written by \`npm run bench -- ${bench}\` on ${date} UTC${at}: Node ${node}, ${platform}, ${cpu}, ${String(cores)} cores, ${String(memoryGib)} GiB; one fsync takes ${fsync.toFixed(2)} ms on its disk.`
}

/** The commit, with a plus when files differ from it. Undefined outside a clone. */
function commitOf(root: string): string | undefined {
  // Locks nothing: somebody may be committing meanwhile.
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['--no-optional-locks', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`
  } catch {
    return undefined
  }
}

function fsyncMs(folder: string): number {
  const path = join(folder, 'fsync')
  const file = openSync(path, 'w')
  const page = Buffer.alloc(PAGE_BYTES, 1)
  const took = Array.from({ length: FSYNCS }, () => {
    const from = performance.now()
    writeSync(file, page)
    fsyncSync(file)
    return performance.now() - from
  })
  closeSync(file)
  rmSync(path)
  return median(took)
}
