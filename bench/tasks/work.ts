/** The task that every engine does: two steps, created and completed durably. */

/** Some 150 bytes of input, some 80 of each outcome: what a small tool call carries. */
export const INPUT = { tool: 'deploy', text: 'x'.repeat(120) } as const
export const OUTCOME = { ok: true, text: 'y'.repeat(60) } as const

/** What a step does: nothing, so that what is measured is what makes it durable. */
export const takeStep = (): Promise<typeof OUTCOME> => Promise.resolve(OUTCOME)

/** An engine ready to do tasks, in the process that asks for them. */
export interface Subject {
  /** One task, from its creation until its result is known. Rejects when that is wrong. */
  readonly once: (caller: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Where a subject finds what it needs. */
export interface Place {
  /** A folder of its own. */
  readonly folder: string
  /** How to reach Postgres, for those who keep their tasks there. */
  readonly postgres?: string
  readonly restate?: { readonly ingress: string; readonly admin: string }
  /** The folder in which the packages of others are installed. */
  readonly peers?: string
}

/** A result that is not what the steps gave: then no figure means anything. */
export function checkOutcome(result: unknown): void {
  if (JSON.stringify(result) === JSON.stringify(OUTCOME)) return
  throw new Error(`a task gave a wrong result: ${JSON.stringify(result)}`)
}
