import type { Principal } from '#auth'

/** Calls that belong together, and what they have touched so far. */
export interface Run {
  readonly id: string
  /** Labels of the tools that were called in it, sorted. */
  readonly labels: readonly string[]
}

export interface RunAsked {
  /** The run that the request names, or the trace it is part of. */
  readonly handle: string | undefined
  /** What the client is called: without a handle, its calls within a window are one run. */
  readonly client: string
}

/** What each run has touched: facts for policies that judge a call by the calls before it. */
export interface Runs {
  /** The run a call belongs to. Handles of different principals are different runs. */
  readonly of: (who: Principal, asked: RunAsked) => Run | Promise<Run> | undefined
  /** A call with these labels is about to leave: they count for every call judged from now on. */
  readonly touch: (run: Run, labels: readonly string[]) => Promise<void>
}

/** Where no tool has a label. */
export const noRuns: Runs = { of: () => undefined, touch: async () => undefined }
