import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const PAGE_BYTES = 4_096

/** How often a second one page can be appended and brought to disk: what no single commit can beat. */
export function fdatasyncsPerSecond(folder: string, measureMs: number): number {
  const path = join(folder, 'fdatasync')
  const file = openSync(path, 'w')
  const page = Buffer.alloc(PAGE_BYTES, 1)
  const from = performance.now()
  let count = 0
  for (; performance.now() - from < measureMs; count++) {
    writeSync(file, page)
    fdatasyncSync(file)
  }
  const elapsedMs = performance.now() - from
  closeSync(file)
  rmSync(path)
  return (count / elapsedMs) * 1_000
}
