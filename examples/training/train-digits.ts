import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { durableTool, type DurableTool } from '@countersign/sdk'
import { z } from 'zod'
import { readDigits, type Digits } from './digit-files.ts'
import { readState, writeState } from './network-file.ts'
import { beginner, classify, trainEpoch, type State } from './network.ts'

const EPOCHS_MAX = 100

const Input = z.object({
  model: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .describe('What to call the trained network.'),
  epochs: z.int().min(1).max(EPOCHS_MAX).default(10).describe('How often to see every digit.'),
  seed: z.int().min(0).max(1_000_000).default(1).describe('Where chance begins.'),
})
const Output = z.object({
  model: z.string(),
  accuracy: z.number().describe('The share of the test digits that it reads right.'),
  losses: z.array(z.number()).describe('Of each epoch: how far it was from what was wanted.'),
  sha256: z.string().describe("Of the network's file."),
})

/** What the tool works with. */
export interface Desk {
  /** The folder of the digits to learn from and to be tested with. */
  readonly digits: string
  /** The folder of the networks that are kept. */
  readonly models: string
  /** The folder of networks that are still learning. */
  readonly checkpoints: string
  /** Hears of each epoch that is begun. */
  readonly log: (line: string) => void
}

/** The tool that trains a network. */
export function trainDigits({ digits, models, checkpoints, log }: Desk): DurableTool {
  return durableTool({
    name: 'train_digits',
    title: 'Train a network',
    description:
      'Trains a network to read handwritten digits and keeps it under a name for classify_digits. Every epoch is a checkpoint. Cancelling keeps nothing.',
    input: Input,
    output: Output,
    effect: 'idempotent',
    scopes: ['models:write'],
    undoOnFailure: true,
    async run({ model, epochs, seed }, task) {
      const folder = join(checkpoints, task.id)
      let sha256 = await task.step('begin', ({ signal }) => begin(folder, seed, signal), {
        undo: () => forget(folder),
      })
      const losses: number[] = []
      for (let number = 1; number <= epochs; number++) {
        task.progress(number - 1, epochs, `epoch ${String(number)}`)
        const work = { folder, digits, number, seed, before: sha256 }
        const after = await task.step(`epoch ${String(number)}`, ({ signal }) => {
          log(`epoch ${String(number)}`)
          return learn(work, signal)
        })
        sha256 = after.sha256
        losses.push(after.loss)
      }
      const last = checkpointOf(folder, epochs)
      const accuracy = await task.step('test', () => test(last, digits))
      const kept = modelOf(models, model)
      sha256 = await task.step(
        'keep',
        async ({ signal }) => save(kept, await readState(last), signal),
        {
          undo: () => forget(kept),
        },
      )
      await task.step('tidy', () => forget(folder))
      task.progress(epochs, epochs, `${(accuracy * 100).toFixed(1)} % right`)
      return { model, accuracy, losses, sha256 }
    },
  })
}

/** The file of a network that is kept. */
export const modelOf = (models: string, name: string): string => join(models, `${name}.safetensors`)

const checkpointOf = (folder: string, epoch: number): string =>
  join(folder, `epoch-${String(epoch).padStart(3, '0')}.safetensors`)

async function begin(folder: string, seed: number, signal: AbortSignal): Promise<string> {
  await mkdir(folder, { recursive: true })
  return await save(checkpointOf(folder, 0), beginner(seed), signal)
}

interface Epoch {
  readonly folder: string
  readonly digits: string
  readonly number: number
  readonly seed: number
  /** The SHA-256 of the checkpoint that the epoch before left. */
  readonly before: string
}

/** One epoch, from checkpoint to checkpoint: doing it again leaves the same one. */
async function learn(
  { folder, digits, number, seed, before }: Epoch,
  signal: AbortSignal,
): Promise<{ readonly loss: number; readonly sha256: string }> {
  const from = checkpointOf(folder, number - 1)
  if ((await sha256Of(from)) !== before) throw new Error(`${from} is not as it was written.`)
  const chance = { seed: seed + number * EPOCH_SEEDS, signal }
  const train = await readDigits(join(digits, 'train'))
  const { state, loss } = await trainEpoch(await readState(from), train, chance)
  return { loss, sha256: await save(checkpointOf(folder, number), state, signal) }
}

/** No two epochs, of whichever seed, go through the digits in the same order. */
const EPOCH_SEEDS = 1_000_003

async function test(path: string, folder: string): Promise<number> {
  const digits = await readDigits(join(folder, 'test'))
  const { weights } = await readState(path)
  return rightOf(classify(weights, digits.images), digits) / digits.labels.length
}

/** How many of the labels were found. */
export const rightOf = (found: Uint8Array, { labels }: Digits): number =>
  found.filter((digit, at) => digit === labels[at]).length

async function save(path: string, state: State, signal: AbortSignal): Promise<string> {
  await writeState(path, state, signal)
  return await sha256Of(path)
}

const sha256Of = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

/** Says null, which can be recorded. */
async function forget(path: string): Promise<null> {
  await rm(path, { recursive: true, force: true })
  return null
}
