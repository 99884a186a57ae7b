import type { Finding } from '../doctor.ts'

/** What was looked at, and how to say what came of it. */
export const about = (check: string) => ({
  pass: (what: string): Finding => ({ check, verdict: 'pass', what }),
  warn: (what: string, fix: string): Finding => ({ check, verdict: 'warn', what, fix }),
  fail: (what: string, fix: string): Finding => ({ check, verdict: 'fail', what, fix }),
})

/** How long ago or ahead, in words of people. */
export function timeFromNow(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1_000)
  const said =
    seconds < 120
      ? `${String(seconds)} s`
      : seconds < 7_200
        ? `${String(Math.round(seconds / 60))} min`
        : `${String(Math.round(seconds / 3_600))} h`
  return ms < 0 ? `${said} ago` : `in ${said}`
}
