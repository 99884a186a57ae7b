import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault } from '@countersign/contract'
import { loadConfig, type Config } from '#config'
import { textOption, type Parsed } from './command.ts'
import type { Io } from './io.ts'

const DEFAULT = 'countersign.yaml'

/** The configuration a command works with: the one named, or the one in the folder it runs in. */
export function findConfig(parsed: Parsed, io: Io): Config {
  const named = textOption(parsed, 'config')
  const path = resolve(io.cwd, named ?? DEFAULT)
  if (named === undefined && !existsSync(path)) {
    throw new Fault(
      'config/invalid',
      `there is no ${DEFAULT} here. Run "countersign init" to make one from the clients on this machine, or name one with --config.`,
    )
  }
  return loadConfig(io.world, path)
}
