/** What several services say, as one inventory; where they contradict themselves, it says so. */
import { z } from 'zod'
import type { Collected } from './collect-service.ts'
import type { Item } from './page.ts'

interface Kept extends Item {
  readonly service: string
}

export const summarySchema = z.object({
  name: z.string(),
  items: z.int(),
  missing: z.array(z.object({ what: z.string(), why: z.string() })),
  doubts: z.array(z.string()).describe('What the service said that cannot be true.'),
})
type Summary = z.output<typeof summarySchema>

export interface Inventory {
  /** False when something is missing; what that is, its service says. */
  readonly isComplete: boolean
  readonly services: readonly Summary[]
  readonly items: readonly Kept[]
}

export function merge(found: readonly Collected[]): Inventory {
  const each = found.map(mergeService)
  return {
    isComplete: each.every(({ summary }) => summary.missing.length === 0),
    services: each.map(({ summary }) => summary),
    items: each.flatMap(({ items }) => items),
  }
}

function mergeService({ service, pages, missing }: Collected): {
  readonly summary: Summary
  readonly items: readonly Kept[]
} {
  const kept = new Map<string, Item>()
  const doubts: string[] = []
  for (const item of pages.flatMap(({ items }) => items)) {
    const other = kept.get(item.id)
    if (other) doubts.push(doubtOf(other, item))
    kept.set(item.id, other ? later(other, item) : item)
  }
  const said = new Set(pages.map(({ total }) => total))
  // With a page missing nobody can tell whether the total is true.
  if (missing.length === 0 && (said.size > 1 || !said.has(kept.size))) {
    doubts.push(`it speaks of ${[...said].join(' and ')} items and has ${String(kept.size)}`)
  }
  const items = [...kept.values()].map((item) => ({ service, ...item }))
  return { summary: { name: service, items: items.length, missing: [...missing], doubts }, items }
}

const later = (one: Item, other: Item): Item => (other.countedAt > one.countedAt ? other : one)

function doubtOf(one: Item, other: Item): string {
  if (one.count === other.count) return `${one.id} is listed twice`
  const { count } = later(one, other)
  return `${one.id} is listed twice with different counts; ${String(count)} was counted last`
}
