// Approvals on a real store, without a gateway around them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  makeApprovals,
  openGrants,
  openReviews,
  type Approval,
  type Approvals,
  type Bound,
  type Grants,
  type PinnedTools,
  type Reviews,
  type Shown,
} from '#approvals'
import { systemWorld } from '#base'
import { clockOf, PLAIN_APPROVALS, type ApprovalSettings } from '#policy'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { silentLog } from '#telemetry'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

export const BOUND: Bound = {
  principal: 'https://idp.example#ada',
  client: 'agent-1',
  actors: ['https://idp.example#agent-1', 'https://idp.example#helper'],
  view: 'tickets',
  server: 'tickets',
  tool: 'delete',
  effect: 'destructive',
  definition: `sha256:${'a'.repeat(64)}`,
  arguments: `sha256:${'b'.repeat(64)}`,
  policy: { number: 3, digest: `sha256:${'c'.repeat(64)}` },
}

export const SHOWN = { name: 'tickets_delete', arguments: { id: 7 }, client: 'agent 1.0' }

export interface Desk extends Disposable {
  /** As another process would see it after a crash: nothing but the store is the same. */
  readonly reopen: (note?: () => Promise<void>) => Approvals
  readonly ask: (approvals: Approvals, more?: Partial<Asked>) => Promise<Approval>
  /** The clock, which a story sets. */
  readonly clock: { now: number }
  readonly groups: Record<string, string[]>
  readonly notes: { readonly kind: string; readonly body: Readonly<Record<string, unknown>> }[]
  /** Why nothing is as it was, where a story says so. */
  readonly lapsed: { why: string | undefined }
  /** Approvals that one person decided alone. */
  readonly broken: readonly string[]
  readonly grants: (note?: () => Promise<void>) => Grants
  readonly reviews: (note?: () => Promise<void>) => Reviews
  /** What there is, for grants to be pinned to. */
  readonly now: { policy: Bound['policy']; tools: PinnedTools }
}

interface Asked {
  readonly task: string
  readonly round: number
  readonly asks: Approval['asks']
  readonly taskExpiresAt: number
  readonly shown: Shown
}

export const SRE = [{ group: 'sre', quorum: 1, policies: ['delete-asks'] }]

export function openDesk(settings: Partial<ApprovalSettings> = {}): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-approvals-'))
  const store = openStore(join(folder, 'x.db'), [RECORD_TABLES])
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const world = { ...systemWorld, now: () => clock.now }
  const groups: Record<string, string[]> = {
    sre: Array.from({ length: 40 }, (_, at) => `https://idp.example#sre-${String(at)}`),
    finance: ['https://idp.example#eve', 'https://idp.example#sre-0'],
  }
  const notes: Desk['notes'] = []
  const lapsed: Desk['lapsed'] = { why: undefined }
  const broken: string[] = []
  const records = storeRecords(world, store)
  const ledgerWith = (note?: () => Promise<void>) => ({
    note:
      note ?? (async (kind: string, body: object) => void notes.push({ kind, body: { ...body } })),
  })
  const base = {
    world,
    log: silentLog,
    records,
    groupsOf: (id: string) => Object.keys(groups).filter((group) => groups[group]?.includes(id)),
    settings: { ...PLAIN_APPROVALS, ...settings },
  }
  const now: Desk['now'] = {
    policy: BOUND.policy,
    tools: { 'tickets/delete': { definition: BOUND.definition, effect: BOUND.effect } },
  }
  const reviews: Desk['reviews'] = (note) =>
    openReviews({ ...base, ledger: ledgerWith(note), reviewDays: 7 })
  return {
    now,
    reviews,
    grants: (note) =>
      openGrants({
        ...base,
        ledger: ledgerWith(note),
        momentAt: clockOf('UTC'),
        labelsOf: () => ['destructive'],
        toolsOf: () => now.tools,
        policyNow: () => now.policy,
        quorumOf: () => 1,
      }),
    clock,
    groups,
    notes,
    lapsed,
    broken,
    reopen: (note) =>
      makeApprovals({
        ...base,
        ledger: ledgerWith(note),
        onBroken: async (one) => {
          broken.push(one.id)
          await reviews().open(one)
        },
        lapsed: async () => lapsed.why,
      }),
    ask: (approvals, more = {}) => {
      const { task = 'task_one', round = 1, asks = SRE, shown = SHOWN } = more
      const taskExpiresAt = more.taskExpiresAt ?? clock.now + 7 * DAY_MS
      const about = { task, round, call: 'call_one', shown, taskExpiresAt }
      return approvals.ask({ asks, bound: BOUND, message: 'Mind the tickets' }, about)
    },
    [Symbol.dispose]: () => {
      store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const sre = (at: number) => by(`https://idp.example#sre-${String(at)}`)

export const by = (principal: string) =>
  ({ principal, means: 'token', provedAt: Number.NEGATIVE_INFINITY }) as const

export const YES = { verdict: 'approve' } as const
export const NO = { verdict: 'deny', reason: 'not today' } as const
