/** An MCP server over stdio that trains a network to read digits, and reads digits with it. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { serve } from '@countersign/sdk'
import { classifyDigits } from './classify-digits.ts'
import { labelsOf, writeDigits } from './digit-files.ts'
import { drawDigits } from './draw-digits.ts'
import { trainDigits } from './train-digits.ts'

/** How many to learn from and to be tested with, and the seed of each. */
const SETS = { test: [1_000, 2], train: [3_000, 1] } as const

const { values } = parseArgs({
  options: { data: { type: 'string', default: join(import.meta.dirname, '.countersign') } },
})
const inData = (name: string): string => join(values.data, name)
const folders = {
  digits: inData('digits'),
  models: inData('models'),
  checkpoints: inData('checkpoints'),
}
for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true })
for (const [name, [count, seed]] of Object.entries(SETS)) {
  const stem = join(folders.digits, name)
  if (!existsSync(labelsOf(stem))) await writeDigits(stem, drawDigits(count, seed))
}
const log = (line: string): void => void process.stderr.write(`${line}\n`)
await serve([trainDigits({ ...folders, log }), classifyDigits(folders.digits, folders.models)], {
  name: 'digits',
  version: '0.1.0',
  data: inData('tasks'),
})
