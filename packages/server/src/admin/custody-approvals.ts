import { isObject, own, textAt, type Admin, type JsonObject } from '@countersign/contract'
import type { Entry } from '#audit'
import { plain } from './custody-rounds.ts'

type Custody = Awaited<ReturnType<Admin['getCustody']>>
type Approval = Custody['approvals'][number]

const KINDS: ReadonlySet<string> = new Set([
  'approval.asked',
  'approval.answered',
  'approval.ended',
])
export const isOfApproval = ({ kind }: Entry): boolean => KINDS.has(kind)

/** What people were asked about a call, and what they said, as the ledger has it. */
export function approvalsIn(
  entries: readonly Entry[],
  rounds: Custody['rounds'],
): readonly Approval[] {
  const approvals = new Map<string, Approval>()
  for (const entry of entries.filter(isOfApproval)) {
    const id = textAt(entry.body, 'approval')
    const before = approvals.get(id) ?? askedAs(id, entry)
    approvals.set(id, { ...before, ...TAKES[entry.kind]?.(before, entry) })
  }
  return [...approvals.values()].map((one) => ({ ...one, ...usedBy(one.id, rounds) }))
}

function askedAs(id: string, { at, body }: Entry): Approval {
  const bound = own(body, 'bound')
  const asks = own(body, 'asks')
  return {
    id,
    askedAt: at,
    asks: (Array.isArray(asks) ? asks : []).filter(isObject).map(plain),
    bound: isObject(bound) ? plain(bound) : {},
    answers: [],
  }
}

/** What each kind of entry adds; an entry that is there twice adds once. */
const TAKES: Readonly<Record<string, (before: Approval, entry: Entry) => Partial<Approval>>> = {
  'approval.answered': ({ answers }, { at, body }) => ({
    answers: [...answers.filter(({ by }) => by !== textAt(body, 'by')), answerIn(at, body)],
  }),
  'approval.ended': (_before, { body }) => {
    const why = textAt(body, 'why')
    return { state: textAt(body, 'state'), ...(why === '' ? {} : { why }) }
  },
}

function answerIn(at: number, body: JsonObject): Approval['answers'][number] {
  const groups = own(body, 'groups')
  const reason = textAt(body, 'reason')
  return {
    at,
    by: textAt(body, 'by'),
    groups: (Array.isArray(groups) ? groups : []).map(String),
    verdict: textAt(body, 'verdict'),
    ...(reason === '' ? {} : { reason }),
    means: textAt(body, 'means'),
  }
}

/** That it was used is in the entry of the round that went out with it (GV6). */
function usedBy(id: string, rounds: Custody['rounds']): Pick<Approval, 'usedBy'> {
  const used = rounds.find(({ decision }) => decision.told?.['approval'] === id)
  return used ? { usedBy: used.call } : {}
}
