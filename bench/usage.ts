import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Linux counts processor time in ticks of 10 ms on every machine that Node runs on. */
const TICK_MS = 10

/** Processor time a process has used, in milliseconds; undefined where the system does not say. */
export function cpuMs(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    // The name in parentheses may hold spaces: count from behind it. proc(5), fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return undefined
  }
}

/** Resident memory of a process in bytes; undefined where the system does not say. */
export function rssBytes(pid: number): number | undefined {
  try {
    const kib =
      process.platform === 'linux'
        ? /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]
        : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return kib === undefined || kib === '' ? undefined : Number(kib) * 1_024
  } catch {
    return undefined
  }
}
