import type { Records } from '#store'
import { everyRecord } from './every-record.ts'
import { fromRecord, toRecord, type Approval } from './approval.ts'

const KIND = 'Approval'
/** Kept for whoever wants to know what was decided; the ledger has it for good. */
const KEPT_MS = 7 * 86_400_000

/** All of them are read now and then: what of the arguments is longer is kept beside them. */
const ARGUMENTS = 'ApprovalArguments'
const TOGETHER_CHARS_MAX = 4_096

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
  /** The newest first; without arguments that are long. */
  readonly list: () => Promise<readonly Approval[]>
}

export const openBook = (records: Records): Book => ({
  find: async (id) => {
    const saved = await records.get(KIND, id)
    return saved && whole(records, fromRecord(saved.value))
  },
  add: async (approval) => {
    const keep = { until: approval.expiresAt + KEPT_MS }
    const { id, shown } = approval
    if (JSON.stringify(shown.arguments).length <= TOGETHER_CHARS_MAX) {
      return records.add(KIND, id, toRecord(approval), keep)
    }
    await records.put(ARGUMENTS, id, shown.arguments, keep)
    const lighter = { ...approval, shown: { ...shown, arguments: {}, isApart: true as const } }
    return records.add(KIND, id, toRecord(lighter), keep)
  },
  change: async (id, next) => {
    for (;;) {
      // Each try looks at what the one before it lost to.
      // oxlint-disable-next-line eslint/no-await-in-loop
      const saved = await records.get(KIND, id)
      if (!saved) return undefined
      const before = fromRecord(saved.value)
      const after = next(before)
      const isSame = after === before
      // First, so that what was to be forgotten is found again should we end in between.
      // oxlint-disable-next-line eslint/no-await-in-loop
      if (before.shown.isApart && !after.shown.isApart) await records.remove(ARGUMENTS, id)
      // oxlint-disable-next-line eslint/no-await-in-loop
      if (isSame || (await records.swap(KIND, id, saved.revision, { value: toRecord(after) }))) {
        // oxlint-disable-next-line eslint/no-await-in-loop
        const now = await whole(records, after)
        return { before: isSame ? now : before, after: now }
      }
    }
  },
  list: async () => {
    const all = (await everyRecord(records, KIND)).map(({ value }) => fromRecord(value))
    return all.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  },
})

async function whole(records: Records, approval: Approval): Promise<Approval> {
  if (!approval.shown.isApart) return approval
  const saved = await records.get(ARGUMENTS, approval.id)
  return saved ? { ...approval, shown: { ...approval.shown, arguments: saved.value } } : approval
}
