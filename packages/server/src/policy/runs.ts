import type { Principal } from '#auth'

/** What a tool does with information, as operators say it. */
export const LABELS = ['untrusted', 'private', 'outward', 'destructive'] as const
export type Label = (typeof LABELS)[number]

/** Calls that belong together, and what they have touched so far. */
export interface Run {
  /** Unique among the runs of one principal; what `Errand.run` holds where it was named. */
  readonly id: string
  /** Labels of the tools that were called in it, sorted. */
  readonly labels: readonly string[]
  /** Labels of the tools that its principal has called lately, in whichever run; sorted. */
  readonly recent: readonly string[]
}

export interface RunAsked {
  /** The run that the request names, or the trace it is part of. */
  readonly handle: string | undefined
  /** What the client is called: without a handle, its calls within a window are one run. */
  readonly client: string
}

/** A call with labels that is about to leave. */
export interface Touching {
  readonly call: string
  readonly labels: readonly string[]
}

/** What each run has touched: facts for policies that judge a call by the calls before it. */
export interface Runs {
  /** The run a call belongs to. Handles of different principals are different runs. */
  readonly of: (who: Principal, asked: RunAsked) => Run | Promise<Run> | undefined
  /**
   * From now on its labels count, for every call that is judged after this, on whichever node.
   * Resolves with the run as others have left it right before: it may have grown since it was judged.
   */
  readonly touch: (who: Principal, run: Run, touching: Touching) => Promise<Run>
}

const NONE: readonly string[] = []

/** Where no tool has a label: a run has a name if it was given one, so that it can be stopped. */
export const noRuns: Runs = {
  of: (_who, { handle }) =>
    handle === undefined ? undefined : { id: handle, labels: NONE, recent: NONE },
  touch: async (_who, run) => run,
}
