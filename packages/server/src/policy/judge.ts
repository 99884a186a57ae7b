import type { Asking } from './annotations.ts'
import { seenArguments } from './arguments.ts'
import type { Cedar } from './cedar.ts'
import { NO_ARGUMENTS, requestOf, type Question } from './question.ts'
import type { Slice } from './slices.ts'

/** Who would have to say yes, and which policies ask for it. */
export interface Ask extends Asking {
  readonly policies: readonly string[]
}

/** What the policies say, before it is put into words. */
export type Verdict =
  | { readonly kind: 'allow'; readonly policies: readonly string[] }
  | {
      readonly kind: 'ask'
      readonly policies: readonly string[]
      readonly asks: readonly Ask[]
      readonly message?: string
    }
  | {
      readonly kind: 'deny'
      readonly why: 'forbidden' | 'unpermitted' | 'broken' | 'unseen'
      readonly policies: readonly string[]
      readonly message?: string
      /** For the log: what is wrong with a policy is not the caller's business. */
      readonly trouble?: string
    }

/** Whether it may be done: with an approval, whether that suffices. Never throws. */
export function judge(cedar: Cedar, slice: Slice, asked: Question): Verdict {
  const first = evaluate(cedar, slice, slice.whole, asked)
  if ('kind' in first) return first
  const { decision, reason } = first
  if (decision === 'allow') return { kind: 'allow', policies: reason }
  if (reason.length === 0) return { kind: 'deny', why: 'unpermitted', policies: [] }
  const asks = asksIn(slice, reason)
  if (asks && asked.approval === undefined && mayBeLifted(cedar, slice, asked, asks)) {
    return { kind: 'ask', policies: reason, asks, ...messageOf(slice, reason) }
  }
  const final = reason.filter((id) => !slice.said.get(id)?.asking)
  const told = final.length > 0 ? final : reason
  return { kind: 'deny', why: 'forbidden', policies: reason, ...messageOf(slice, told) }
}

/**
 * Whether a list shows it: what is shown may be called, or asked for, with some arguments. Being
 * forbidden to be listed hides it; nothing has to permit that.
 */
export function judgeListed(cedar: Cedar, slice: Slice, asked: Question): boolean {
  const loose = {
    ...slice,
    whole: slice.loose,
    facts: slice.looseFacts,
    seesArguments: false,
    // A call may never come to the part that fails here, when its arguments settle it before.
    mayFail: slice.loosened,
  }
  if (judge(cedar, loose, asked).kind === 'deny') return false
  if (!slice.namesList) return true
  const listed = evaluate(cedar, loose, loose.whole, { ...asked, action: 'list' })
  return !('kind' in listed) && (listed.decision === 'allow' || listed.reason.length === 0)
}

/**
 * Whether a forbid keeps somebody from deciding: one that names `approve`, since what is forbidden of
 * everything is about the call, which others have to decide. Undefined when none does.
 */
export function judgeApprover(
  cedar: Cedar,
  slice: Slice,
  asked: Question,
): Exclude<Verdict, { kind: 'allow' | 'ask' }> | undefined {
  const { ofApproving, said } = slice
  if (ofApproving.size === 0) return undefined
  const mayFail = new Set([...said.keys()].filter((id) => !ofApproving.has(id)))
  const found = evaluate(cedar, { ...slice, mayFail }, slice.whole, asked)
  if ('kind' in found) return found.kind === 'deny' ? found : undefined
  const policies = found.reason.filter((id) => ofApproving.has(id))
  if (found.decision === 'allow' || policies.length === 0) return undefined
  return { kind: 'deny', why: 'forbidden', policies, ...messageOf(slice, policies) }
}

interface Evaluated {
  readonly decision: 'allow' | 'deny'
  readonly reason: readonly string[]
}

const broken = (trouble: string, policies: readonly string[] = []): Verdict => ({
  kind: 'deny',
  why: 'broken',
  policies,
  trouble,
})

/** One question to Cedar. A policy that cannot be evaluated decides nothing, so it denies. */
function evaluate(
  cedar: Cedar,
  slice: Slice,
  preparsedPolicySetId: string,
  asked: Question,
): Evaluated | Verdict {
  const seen = slice.seesArguments ? seenArguments(asked.arguments) : NO_ARGUMENTS
  if (!seen) return { kind: 'deny', why: 'unseen', policies: [] }
  try {
    const answer = cedar.statefulIsAuthorized({
      ...requestOf(asked, seen, slice.facts),
      preparsedPolicySetId,
    })
    if (answer.type === 'failure') return broken(answer.errors[0]?.message ?? 'no answer')
    const { decision, diagnostics } = answer.response
    const errors = diagnostics.errors.filter(({ policyId }) => !slice.mayFail.has(policyId))
    const [error] = errors
    if (error) {
      const failed = errors.map(({ policyId }) => policyId).toSorted()
      return broken(error.error.message, failed)
    }
    return { decision, reason: diagnostics.reason.toSorted() }
  } catch (thrown) {
    return broken(String(thrown))
  }
}

/** Who would have to approve; undefined when one of these policies asks nobody. */
function asksIn(slice: Slice, policies: readonly string[]): readonly Ask[] | undefined {
  const byGroup = new Map<string, Ask>()
  for (const id of policies) {
    const asking = slice.said.get(id)?.asking
    if (!asking) return undefined
    const { group, quorum } = asking
    const known = byGroup.get(group)
    const escalate = sooner(known?.escalate, asking.escalate)
    byGroup.set(group, {
      group,
      quorum: Math.max(quorum, known?.quorum ?? 1),
      policies: [...(known?.policies ?? []), id],
      ...(escalate ? { escalate } : {}),
    })
  }
  return [...byGroup.values()]
}

const sooner = (one: Asking['escalate'], other: Asking['escalate']): Asking['escalate'] =>
  one && other ? (one.afterMs <= other.afterMs ? one : other) : (one ?? other)

/** The same question with every approval that is asked for. */
function mayBeLifted(cedar: Cedar, slice: Slice, asked: Question, asks: readonly Ask[]): boolean {
  const people = Math.max(...asks.map(({ quorum }) => quorum))
  const approval = { groups: asks.map(({ group }) => group), people }
  const second = evaluate(cedar, slice, slice.whole, { ...asked, approval })
  return !('kind' in second) && second.decision === 'allow'
}

function messageOf(slice: Slice, policies: readonly string[]): { readonly message?: string } {
  const messages = policies.flatMap((id) => slice.said.get(id)?.message ?? [])
  return messages.length === 0 ? {} : { message: [...new Set(messages)].join(' ') }
}
