/** A network, trained by a server that is killed in the middle. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crashEverywhere, runTool } from '@countersign/sdk/testing'
import { startLife } from '../../test/e2e/killable.ts'
import { startGateway, until } from '../../test/e2e/task-life.ts'
import { readDigits, writeDigits } from './digit-files.ts'
import { drawDigits } from './draw-digits.ts'
import { readState } from './network-file.ts'
import { trainDigits } from './train-digits.ts'

const SERVER = join(import.meta.dirname, 'server.ts')
const EPOCHS = 8

interface Trained {
  readonly accuracy: number
  readonly losses: readonly number[]
  readonly sha256: string
}

const openFolder = async (): Promise<{ readonly data: string } & AsyncDisposable> => {
  const data = await mkdtemp(join(tmpdir(), 'training-'))
  return { data, [Symbol.asyncDispose]: () => rm(data, { recursive: true, maxRetries: 3 }) }
}

/** The tool on folders of its own, which it makes. */
function toolIn(data: string, log: (line: string) => void = () => undefined) {
  const [digits, models, checkpoints] = ['digits', 'models', 'checkpoints'].map((name) =>
    join(data, name),
  ) as [string, string, string]
  for (const folder of [digits, models, checkpoints]) mkdirSync(folder, { recursive: true })
  return trainDigits({ digits, models, checkpoints, log })
}

const checkpoint = (epoch: number): string => `epoch-00${String(epoch)}.safetensors`
const sha256Of = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex')

test('a training that is killed twice ends with the very weights of one that is not', async () => {
  await using folder = await openFolder()
  await using other = await openFolder()
  const { data } = folder
  const args = [SERVER, '--data', data]
  const said: (readonly string[])[] = []
  let task: string | undefined
  for (const moment of ['epoch 3', 'epoch 6']) {
    const life = await startLife(args, 'modern')
    task ??= await life.begin('train_digits', { model: 'digits', epochs: EPOCHS, seed: 7 })
    await life.until(new RegExp(`^${moment}$`))
    await life.kill()
    said.push(life.said)
  }
  await using last = await startLife(args, 'legacy')
  const output = (await last.finish(task ?? '')) as Trained
  said.push(last.said)

  assert.ok(output.accuracy > 0.95, String(output.accuracy))
  assert.equal(output.losses.length, EPOCHS)
  const model = join(data, 'models', 'digits.safetensors')
  assert.equal(sha256Of(model), output.sha256)
  assert.deepEqual(readdirSync(join(data, 'checkpoints')), [])

  cpSync(join(data, 'digits'), join(other.data, 'digits'), { recursive: true })
  const input = { model: 'digits', epochs: EPOCHS, seed: 7 }
  const undisturbed = await runTool(toolIn(other.data), input)
  assert.deepEqual(output, undisturbed.output)

  // Each life begins with the epoch in which the one before it died, and no earlier one.
  const epochs = said.map((lines) => lines.map((line) => Number(line.replace('epoch ', ''))))
  const last2 = epochs.map((numbers) => numbers.at(-1) ?? 0)
  assert.deepEqual(epochs[0], [1, 2, 3].concat(last2[0] === 4 ? [4] : []))
  for (const life of [1, 2]) {
    const before = last2[life - 1] ?? 0
    assert.ok([before, before + 1].includes(epochs[life]?.[0] ?? 0), JSON.stringify(epochs))
  }

  const batch = { model: 'digits', first: 500, count: 100 }
  const read = (await last.call('classify_digits', batch)) as { digits: string; right: number }
  assert.equal(read.digits.length, 100)
  assert.ok(read.right > 90, String(read.right))
  const { labels } = await readDigits(join(data, 'digits', 'test'))
  const right = labels.subarray(500, 600).filter((label, at) => String(label) === read.digits[at])
  assert.equal(read.right, right.length)
})

test('behind the gateway, killed together with it, the weights are the same', async () => {
  await using folder = await openFolder()
  await using other = await openFolder()
  const { data } = folder
  const config = join(data, 'countersign.yaml')
  const digits = { command: process.execPath, args: [SERVER, '--data', data] }
  writeFileSync(config, JSON.stringify({ servers: { digits } }))
  const input = { model: 'digits', epochs: 5, seed: 3 }
  const first = await startGateway(config)
  const task = await first.begin('digits_train_digits', input)
  const checkpoints = join(data, 'checkpoints')
  await until('three epochs are over', () =>
    readdirSync(checkpoints).some((id) => existsSync(join(checkpoints, id, checkpoint(3)))),
  )
  await first.kill()
  await using second = await startGateway(config)
  const { structuredContent } = await second.result(task)
  cpSync(join(data, 'digits'), join(other.data, 'digits'), { recursive: true })
  const { output } = await runTool(toolIn(other.data), input)
  assert.deepEqual(structuredContent, output)
  assert.deepEqual(readdirSync(checkpoints), [])
})

test('no crash at any step changes the weights, and another seed does', async () => {
  await using folder = await openFolder()
  const { data } = folder
  const tool = toolIn(data)
  await writeDigits(join(data, 'digits', 'train'), drawDigits(200, 1))
  await writeDigits(join(data, 'digits', 'test'), drawDigits(50, 2))
  const input = { model: 'small', epochs: 2, seed: 1 }
  assert.ok((await crashEverywhere(tool, input)) >= 6)
  assert.ok((await crashEverywhere(tool, input, { when: 'before' })) >= 6)
  const one = sha256Of(join(data, 'models', 'small.safetensors'))
  await runTool(tool, { ...input, seed: 2 })
  assert.notEqual(sha256Of(join(data, 'models', 'small.safetensors')), one)
})

test('a checkpoint or a digit that was tampered with is noticed, and nothing is kept', async () => {
  await using folder = await openFolder()
  const { data } = folder
  const checkpoints = join(data, 'checkpoints')
  const tool = toolIn(data, (line) => {
    if (line !== 'epoch 2') return
    const [task = ''] = readdirSync(checkpoints)
    appendFileSync(join(checkpoints, task, checkpoint(1)), 'x')
  })
  await writeDigits(join(data, 'digits', 'train'), drawDigits(100, 1))
  await writeDigits(join(data, 'digits', 'test'), drawDigits(50, 2))
  await assert.rejects(runTool(tool, { model: 'bad', epochs: 3 }), /is not as it was written/)
  assert.deepEqual([readdirSync(checkpoints), readdirSync(join(data, 'models'))], [[], []])
  truncateSync(join(data, 'digits', 'train-images.idx3-ubyte'), 1_000)
  await assert.rejects(runTool(tool, { model: 'bad' }), /not a whole IDX file/)
  await assert.rejects(readState(join(data, 'digits', 'test-labels.idx1-ubyte')), /no network/)
})
