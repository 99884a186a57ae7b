import type { Records } from '#store'
import { fromRecord, toRecord, type Approval } from './approval.ts'

const KIND = 'Approval'
/** Kept for whoever wants to know what was decided; the ledger has it for good. */
const KEPT_MS = 7 * 86_400_000
const PAGE = 500

/** What an approval was before it was changed, and is now. */
interface Changed {
  readonly before: Approval
  readonly after: Approval
}

/** The approvals there are, each changed in one step of the database. */
export interface Book {
  readonly find: (id: string) => Promise<Approval | undefined>
  /** True for the first only. */
  readonly add: (approval: Approval) => Promise<boolean>
  /** Undefined when there is none; `next` may be called again, with what came in between. */
  readonly change: (
    id: string,
    next: (approval: Approval) => Approval,
  ) => Promise<Changed | undefined>
  /** The newest first. */
  readonly list: () => Promise<readonly Approval[]>
}

export const openBook = (records: Records): Book => ({
  find: async (id) => {
    const saved = await records.get(KIND, id)
    return saved && fromRecord(saved.value)
  },
  add: (approval) =>
    records.add(KIND, approval.id, toRecord(approval), { until: approval.expiresAt + KEPT_MS }),
  change: async (id, next) => {
    for (;;) {
      // Each try looks at what the one before it lost to.
      // oxlint-disable-next-line eslint/no-await-in-loop
      const saved = await records.get(KIND, id)
      if (!saved) return undefined
      const before = fromRecord(saved.value)
      const after = next(before)
      if (after === before) return { before, after }
      // oxlint-disable-next-line eslint/no-await-in-loop
      if (await records.swap(KIND, id, saved.revision, { value: toRecord(after) })) {
        return { before, after }
      }
    }
  },
  list: async () => {
    const all: Approval[] = []
    for (let after = ''; ;) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- Each page says where the next one begins.
      const page = await records.list(KIND, { after, limit: PAGE })
      all.push(...page.map(({ value }) => fromRecord(value)))
      const last = page.at(-1)
      if (!last || page.length < PAGE) break
      after = last.id
    }
    return all.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  },
})
