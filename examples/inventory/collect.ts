/** The two tools: one that collects for as long as it takes, and one that looks at the result. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { durableTool, tool } from '@countersign/sdk'
import { z } from 'zod'
import { collectService } from './collect-service.ts'
import { merge, summarySchema, type Inventory } from './merge.ts'
import { serviceSchema } from './page.ts'

/** Whom to ask and where the result goes is the operator's business, not the caller's. */
export interface Places {
  /** A JSON file with the services. */
  readonly catalogue: string
  readonly inventory: string
}

const input = z.object({
  only: z.array(z.string()).optional().describe('Names of services; without it, all.'),
})
const output = z.object({
  isComplete: z.boolean(),
  items: z.int(),
  services: z.array(summarySchema),
})

export const collectInventory = ({ catalogue, inventory: file }: Places) =>
  durableTool({
    name: 'collect_inventory',
    description:
      'Collects what all services have into one inventory. Says what could not be had and what is doubtful.',
    input,
    output,
    effect: 'idempotent',
    async run({ only }, task) {
      const services = await task.step('read the catalogue', async () => {
        const known = z.array(serviceSchema).parse(JSON.parse(await readFile(catalogue, 'utf8')))
        const unknown =
          only?.filter((name) => !known.some((service) => service.name === name)) ?? []
        if (unknown.length > 0) throw new Error(`No such service: ${unknown.join(', ')}.`)
        return known.filter(({ name }) => only?.includes(name) ?? true)
      })
      const pages = new Map<string, number>()
      let done = 0
      const found = await Promise.all(
        services.map((service) =>
          collectService(task, service, (total) => {
            pages.set(service.name, total)
            const sum = [...pages.values()].reduce((all, some) => all + some, 0)
            task.progress(++done, sum, service.name)
          }),
        ),
      )
      const inventory = merge(found)
      await task.step('write the inventory', ({ key }) => write(file, inventory, key))
      return {
        isComplete: inventory.isComplete,
        items: inventory.items.length,
        services: [...inventory.services],
      }
    },
  })

/** Whole or not at all: who reads meanwhile gets the old one. */
async function write(file: string, inventory: Inventory, key: string): Promise<void> {
  const draft = `${file}.${key.replaceAll('/', '-')}`
  await writeFile(draft, `${JSON.stringify(inventory, undefined, 2)}\n`)
  await rename(draft, file)
}

const kept = z.object({
  items: z.array(z.object({ service: z.string(), id: z.string(), count: z.int() })),
})

export const findItem = ({ inventory: file }: Places) =>
  tool({
    name: 'find_item',
    description: 'Says which service has an item, and how many, as of the last collection.',
    input: z.object({ id: z.string() }),
    output: kept,
    effect: 'read',
    async run({ id }) {
      if (!existsSync(file)) throw new Error('Nothing was collected yet: call collect_inventory.')
      const { items } = kept.parse(JSON.parse(await readFile(file, 'utf8')))
      return { items: items.filter((item) => item.id === id) }
    },
  })
