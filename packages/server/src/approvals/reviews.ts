import { Fault, type JsonObject } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { World } from '#base'
import type { GroupsOf } from '#policy'
import type { Records } from '#store'
import type { Approval } from './approval.ts'
import { boundJson, type Bound } from './bound.ts'
import { everyRecord } from './every-record.ts'
import { takesPart } from './who.ts'

export const REVIEW_VERDICTS = ['justified', 'unjustified'] as const
type ReviewVerdict = (typeof REVIEW_VERDICTS)[number]

/** A glass that was broken, and what somebody else found of it. Times are milliseconds since the epoch. */
export interface GlassReview {
  /** The id of the approval. */
  readonly id: string
  readonly task: string
  readonly call: string
  readonly by: string
  readonly reason: string
  readonly bound: Bound
  readonly brokenAt: number
  /** When an entry last said that nobody has looked at it. */
  readonly remindedAt?: number
  readonly reviewed?: {
    readonly by: string
    readonly verdict: ReviewVerdict
    readonly comment?: string
    readonly at: number
  }
}

export interface ReviewRooms {
  readonly world: World
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  readonly groupsOf: GroupsOf
  readonly reviewDays: number
}

export interface Reviews {
  /** Puts a broken glass before others, once however often it is called. */
  readonly open: (approval: Approval) => Promise<void>
  /** The oldest first; those that are done too, with `isAll`. */
  readonly list: (isAll: boolean) => Promise<readonly GlassReview[]>
  /** @throws Fault for who broke it or took part in the call, and for what was looked at already. */
  readonly judge: (id: string, by: string, found: Found) => Promise<GlassReview>
  /** Has an entry say so of each that nobody has looked at for long; each day once. */
  readonly remind: () => Promise<void>
}

interface Found {
  readonly verdict: ReviewVerdict
  readonly comment?: string | undefined
}

const KIND = 'GlassReview'
const DAY_MS = 86_400_000
/** Kept for whoever wants to know; the ledger has it for good. */
const KEPT_MS = 90 * DAY_MS

export function openReviews(rooms: ReviewRooms): Reviews {
  const { world, records, ledger } = rooms
  return {
    open: async ({ id, task, call, bound, glass }) => {
      if (!glass) return
      const { by, reason, at } = glass
      const opened: GlassReview = { id, task, call, by, reason, bound, brokenAt: at }
      await records.add(KIND, id, recordOf(opened))
    },
    list: async (isAll) => {
      const all = (await everyRecord(records, KIND)).map(({ value }) => reviewIn(value))
      return all
        .filter(({ reviewed }) => isAll || reviewed === undefined)
        .toSorted((a, b) => a.brokenAt - b.brokenAt)
    },
    judge: async (id, by, found) => {
      const now = world.now()
      const done = await change(records, id, (one) => judged(one, { by, now, ...found }), {
        until: now + KEPT_MS,
      })
      const { task, call } = done
      const said = found.comment === undefined ? {} : { comment: found.comment }
      const about = { approval: id, task, call, by, verdict: found.verdict, ...said }
      await ledger.note('break-glass.reviewed', about)
      return done
    },
    remind: () => remind(rooms),
  }
}

async function remind({ world, records, ledger, reviewDays }: ReviewRooms): Promise<void> {
  const now = world.now()
  for (const { id, revision, value } of await everyRecord(records, KIND)) {
    const one = reviewIn(value)
    const days = Math.floor((now - one.brokenAt) / DAY_MS)
    const isLate = one.reviewed === undefined && days >= reviewDays
    if (!isLate || now - (one.remindedAt ?? 0) < DAY_MS) continue
    const reminded = recordOf({ ...one, remindedAt: now })
    // Of several nodes one says it.
    // oxlint-disable-next-line eslint/no-await-in-loop -- A reminder is in no hurry.
    if (!(await records.swap(KIND, id, revision, { value: reminded }))) continue
    const { task, call, by } = one
    // oxlint-disable-next-line eslint/no-await-in-loop
    await ledger.note('break-glass.unreviewed', { approval: id, task, call, by, days })
  }
}

async function change(
  records: Records,
  id: string,
  next: (review: GlassReview) => GlassReview,
  keep: { readonly until: number },
): Promise<GlassReview> {
  for (;;) {
    // Each try looks at what the one before it lost to.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const saved = await records.get(KIND, id)
    if (!saved) throw unknown(id)
    const after = next(reviewIn(saved.value))
    // oxlint-disable-next-line eslint/no-await-in-loop
    if (await records.swap(KIND, id, saved.revision, { value: recordOf(after), ...keep })) {
      return after
    }
  }
}

interface Judging extends Found {
  readonly by: string
  readonly now: number
}

function judged(review: GlassReview, { by, now, verdict, comment }: Judging): GlassReview {
  const { id, reviewed, bound } = review
  if (reviewed) throw new Fault('approval/over', `${id} was looked at by ${reviewed.by} already.`)
  if (by === review.by || takesPart(bound, by)) {
    throw new Fault('approval/not-yours', `Somebody else than ${by} has to look at ${id}.`)
  }
  const said = comment === undefined ? {} : { comment }
  return { ...review, reviewed: { by, verdict, at: now, ...said } }
}

const recordOf = ({ bound, reviewed, ...rest }: GlassReview): JsonObject => ({
  ...rest,
  bound: boundJson(bound),
  ...(reviewed ? { reviewed: { ...reviewed } } : {}),
})

/** Reads what `recordOf` wrote: only this room writes them. */
const reviewIn = (value: JsonObject): GlassReview =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  value as unknown as GlassReview

const unknown = (id: string): Fault =>
  new Fault(
    'approval/unknown',
    `No glass was broken for "${id.slice(0, 100)}". "countersign approvals --to-review" lists what was.`,
  )
