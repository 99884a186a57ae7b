import type { Label } from '#policy'
import { effectOf, type Definition, type Effect, type Json } from '@countersign/contract'

/** A tool that is called in turn, and how its arguments follow from the call and its result. */
export interface Followup {
  /** The server's own name of it, on the same server. */
  readonly tool: string
  /** JSON with texts that start with `$` read as JSONPath over `{arguments, result}`. */
  readonly arguments: Json
}

/** What the operator decided about one tool. Absent: the definition's own word, or the default. */
export interface ToolRule {
  readonly effect?: Effect | undefined
  /** What it does with information; sorted. Empty: nothing of note. */
  readonly labels?: readonly Label[] | undefined
  /** How long a call may take before it becomes a task; `Infinity` for never. */
  readonly afterMs?: number | undefined
  /** Takes a completed call back. */
  readonly compensate?: Followup | undefined
  /** Finds out whether a call without outcome happened. */
  readonly reconcile?: Followup | undefined
}

/** The rules of a server, by the server's own names of its tools. */
export type ToolRules = (server: string, tool: string) => ToolRule

const NONE: ToolRule = {}

export function makeRules(
  rules: Readonly<Record<string, Readonly<Record<string, ToolRule>>>>,
): ToolRules {
  const byServer = new Map(
    Object.entries(rules).map(([server, tools]) => [server, new Map(Object.entries(tools))]),
  )
  return (server, tool) => byServer.get(server)?.get(tool) ?? NONE
}

/** The effect class: the operator's word, else the annotations read pessimistically (F-016). */
export const effectUnder = (rules: ToolRules, { server, name, body }: Definition): Effect =>
  rules(server, name).effect ?? effectOf(body)
