import { readFileSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { World } from '#base'
import { invalid, type Complain } from './mistake.ts'
import { parseConfig, type Config } from './parse-config.ts'
import { parseSecrets, SECRETS_FILE } from './secrets-file.ts'

const FILE_BYTES_MAX = 1_048_576

/** Reads the file and, from its data folder, the secrets that `init` put there. */
export function loadConfig(world: World, path: string): Config {
  const text = readText(path, (problem, remedy) =>
    invalid(path, [{ line: 1, column: 1, field: '', problem, remedy }]),
  )
  return parseConfig({ world, text, path, secrets: readSecrets })
}

type Wrong = (problem: string, remedy: string) => Error

function readText(path: string, wrong: Wrong): string {
  const stats = statOf(path, wrong)
  if (!stats)
    throw wrong('there is no such file', 'run `countersign init`, or name it with --config')
  return readBounded(path, stats, wrong)
}

function statOf(path: string, wrong: Wrong): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (thrown) {
    throw unreadable(thrown, wrong)
  }
}

function readBounded(path: string, stats: Stats, wrong: Wrong): string {
  if (stats.isDirectory()) throw wrong('this is a folder', 'name the file in it')
  // A pipe has no size; reading one could wait for ever.
  if (!stats.isFile()) throw wrong('this is no ordinary file', 'name a file')
  if (stats.size > FILE_BYTES_MAX) throw wrong('larger than 1 MiB', 'is it the right file?')
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch (thrown) {
    throw unreadable(thrown, wrong)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw wrong('not UTF-8', 'save it with the encoding UTF-8')
  }
}

const unreadable = (thrown: unknown, wrong: Wrong): Error => {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
  return wrong(`cannot be read (${code})`, 'check the path and its permissions')
}

function readSecrets(data: string, complain: Complain): ReadonlyMap<string, string> {
  const path = join(data, SECRETS_FILE)
  const wrong: Wrong = (problem, remedy) =>
    invalid(path, [{ line: 1, column: 1, field: '', problem, remedy }])
  const stats = statOf(path, wrong)
  if (!stats) return new Map()
  const read = parseSecrets(readBounded(path, stats, wrong))
  if (read.ok) return read.values
  complain(['data'], `line ${read.line} of ${SECRETS_FILE} in it is not NAME=value`, 'correct it')
  return new Map()
}
