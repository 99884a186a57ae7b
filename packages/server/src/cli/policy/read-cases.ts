import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@countersign/contract'
import { parse } from 'yaml'
import { excessOf } from '#config'
import { casesSchema, type Cases } from '#policy'

const ENDINGS = /\.cases\.(?:ya?ml|json)$/
const MISTAKES_MAX = 10

/** The cases beside the policies of a folder: `*.cases.yaml`, or JSON. */
export function readCases(folder: string): readonly Cases[] {
  return readdirSync(folder)
    .filter((name) => ENDINGS.test(name))
    .toSorted()
    .map((name) => readOne(folder, name))
}

function readOne(folder: string, name: string): Cases {
  const text = readFileSync(join(folder, name), 'utf8')
  const excess = excessOf(text)
  if (excess) throw new Fault('config/invalid', `${name}: ${excess.problem}.`)
  let value: unknown
  try {
    value = parse(text)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'not YAML'
    throw new Fault('config/invalid', `${name}: ${why}`)
  }
  const read = casesSchema.safeParse(value)
  if (read.success) return { name, timeZone: read.data.timeZone, cases: read.data.cases }
  const wrong = read.error.issues
    .slice(0, MISTAKES_MAX)
    .map(({ path, message }) => `${name}: ${path.join('.')}: ${message}`)
  throw new Fault('config/invalid', wrong.join('\n'))
}
