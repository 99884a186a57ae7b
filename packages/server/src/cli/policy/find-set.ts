import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault } from '@countersign/contract'
import {
  loadCedar,
  makeEngine,
  parseSet,
  readPolicies,
  type Parsed,
  type PolicyEngine,
} from '#policy'
import { textOption, type Parsed as Line } from '../command.ts'
import { findConfig } from '../find-config.ts'
import type { Io } from '../io.ts'

/** A folder of policies that a command is about. */
export interface FoundSet extends Parsed {
  readonly folder: string
  readonly timeZone: string
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** Undefined while there are mistakes. */
  readonly engine: PolicyEngine | undefined
}

/** The folder that is named, else the one of the configuration. */
export async function findSet(line: Line, io: Io): Promise<FoundSet> {
  const [named] = line.positionals
  const settings = settingsOf(line, io, named === undefined)
  const folder = named === undefined ? settings?.folder : resolve(io.cwd, named)
  if (folder === undefined) {
    throw new Fault(
      'config/invalid',
      'name a folder of policies, or set policy.folder in countersign.yaml.',
    )
  }
  const read = readPolicies(folder)
  if (!read.ok) throw new Fault('config/invalid', read.problem)
  const cedar = await loadCedar()
  const parsed = parseSet(cedar, read.files)
  return {
    ...parsed,
    folder,
    timeZone: settings?.timeZone ?? 'UTC',
    groups: settings?.groups ?? {},
    engine: parsed.mistakes.length > 0 ? undefined : makeEngine(cedar, folder, parsed.policies),
  }
}

/** A folder can be looked at where there is no configuration. */
function settingsOf(line: Line, io: Io, isNeeded: boolean) {
  const isThere =
    textOption(line, 'config') !== undefined || existsSync(resolve(io.cwd, 'countersign.yaml'))
  return isNeeded || isThere ? findConfig(line, io).policy : undefined
}

/** For commands that need a set that works. */
export function engineOf(set: FoundSet): PolicyEngine {
  if (set.engine) return set.engine
  const count = String(set.mistakes.length)
  throw new Fault(
    'config/invalid',
    `${set.folder} has mistakes (${count}): countersign policy check ${set.folder}`,
  )
}
