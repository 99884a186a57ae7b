import { join } from 'node:path'
import { tool, type Tool } from '@countersign/sdk'
import { z } from 'zod'
import { readDigits, SIDE, type Digits } from './digit-files.ts'
import { readState } from './network-file.ts'
import { classify } from './network.ts'
import { modelOf, rightOf } from './train-digits.ts'

const COUNT_MAX = 10_000

/** The tool that reads a batch of digits with a trained network. */
export const classifyDigits = (digits: string, models: string): Tool =>
  tool({
    name: 'classify_digits',
    title: 'Classify digits',
    description: 'Reads a batch of digits with a network that train_digits trained.',
    input: z.object({
      model: z.string().regex(/^[a-z0-9-]{1,40}$/),
      set: z.enum(['train', 'test']).default('test'),
      first: z.int().min(0).default(0),
      count: z.int().min(1).max(COUNT_MAX).default(COUNT_MAX),
    }),
    output: z.object({
      digits: z.string().describe('What it reads, a character for each image.'),
      right: z.int().describe('How many of them are so.'),
    }),
    effect: 'read',
    scopes: ['models:read'],
    async run({ model, set, first, count }) {
      const { weights } = await readState(modelOf(models, model))
      const batch = cut(await readDigits(join(digits, set)), first, count)
      const found = classify(weights, batch.images)
      return { digits: found.join(''), right: rightOf(found, batch) }
    },
  })

function cut({ images, labels }: Digits, first: number, count: number): Digits {
  const pixels = SIDE * SIDE
  return {
    images: images.subarray(first * pixels, (first + count) * pixels),
    labels: labels.subarray(first, first + count),
  }
}
