import type { ParseArgsConfig } from 'node:util'
import type { Io } from './io.ts'

type Options = NonNullable<ParseArgsConfig['options']>

export interface Parsed {
  readonly values: Readonly<
    Record<string, string | boolean | readonly (string | boolean)[] | undefined>
  >
  readonly positionals: readonly string[]
}

/** One command: what it takes, what its help says, what it does. */
export interface Command {
  readonly summary: string
  readonly usage: string
  readonly options: Options
  readonly help: string
  readonly run: (parsed: Parsed, io: Io) => Promise<number>
  /** Commands of its own, by the word that follows its name. */
  readonly parts?: Readonly<Record<string, Command>>
}

/** Options that most commands share. */
export const CONFIG_OPTION = { config: { type: 'string', short: 'c' } } as const satisfies Options
export const JSON_OPTION = { json: { type: 'boolean' } } as const satisfies Options

export const CONFIG_HELP =
  '  -c, --config FILE   the configuration (default: countersign.yaml here)'
export const JSON_HELP = '  --json              print JSON, one value on a line'

/**
 * Exit codes: the call worked; it was answered with an error; we could not do what was asked; misuse;
 * Ctrl-C.
 */
export const EXIT = { ok: 0, failed: 1, cannot: 2, usage: 64, interrupted: 130 } as const

export function textOption(parsed: Parsed, name: string): string | undefined {
  const value = parsed.values[name]
  return typeof value === 'string' ? value : undefined
}
/** All of an option that may be given several times. */
export function textsOption(parsed: Parsed, name: string): readonly string[] {
  const value = parsed.values[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
export const flag = (parsed: Parsed, name: string): boolean => parsed.values[name] === true
