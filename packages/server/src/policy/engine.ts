import type { Cedar } from './cedar.ts'
import { judge, judgeApprover, judgeListed, type Verdict } from './judge.ts'
import { keyOf, Memo } from './memo.ts'
import type { Written } from './parse-set.ts'
import type { Question } from './question.ts'
import { isOfMoment } from './sight.ts'
import { makeSlices } from './slices.ts'

/** One set of policies, ready to be asked. */
export interface PolicyEngine {
  readonly judge: (asked: Question) => Verdict
  readonly isListed: (asked: Question) => boolean
  /** The same without what is remembered and without slices: what both must agree with. */
  readonly judgeAfresh: (asked: Question) => Verdict
  /** Why somebody may not decide about it; undefined when nothing keeps them. Never remembered. */
  readonly keepsFrom: (asked: Question) => ReturnType<typeof judgeApprover>
  readonly forget: () => void
  /** Whether a policy that may be about this server looks at arguments. */
  readonly looksAtArguments: (server: string) => boolean
  /** Whether one looks at what no entry says: from where it came, how somebody had signed in. */
  readonly looksAtMoment: (server: string) => boolean
  readonly policies: readonly Written[]
  /** Gives back what Cedar keeps; this engine must not be asked any more. */
  readonly release: () => void
}

const EVERYTHING: ReadonlySet<string> = new Set([''])

/** Decisions that are kept: a key is some hundred bytes, mostly of its principal. */
const REMEMBERED_MAX = 50_000

/** `name` tells this set from others in the process: two under one name would be one. */
export function makeEngine(cedar: Cedar, name: string, policies: readonly Written[]): PolicyEngine {
  const slices = makeSlices({ cedar, name }, policies)
  const verdicts = new Memo<Verdict>(REMEMBERED_MAX)
  const shown = new Memo<boolean>(REMEMBERED_MAX)
  return {
    policies,
    judge: (asked) => {
      const slice = slices.of(asked.resource.server)
      return remembered(verdicts, keyOf(slice, asked, slice.facts), () =>
        judge(cedar, slice, asked),
      )
    },
    isListed: (asked) => {
      const slice = slices.of(asked.resource.server)
      return remembered(shown, keyOf(slice, asked, slice.looseFacts), () =>
        judgeListed(cedar, slice, asked),
      )
    },
    judgeAfresh: (asked) => judge(cedar, { ...slices.whole(), facts: EVERYTHING }, asked),
    keepsFrom: (asked) => judgeApprover(cedar, slices.of(asked.resource.server), asked),
    forget: () => {
      verdicts.clear()
      shown.clear()
    },
    looksAtArguments: (server) => slices.of(server).seesArguments,
    looksAtMoment: (server) => isOfMoment(slices.of(server).facts),
    release: slices.release,
  }
}

/** What went wrong may not go wrong again. */
const isSound = (found: unknown): boolean =>
  typeof found !== 'object' || found === null || !('trouble' in found)

function remembered<Value>(memo: Memo<Value>, key: string | undefined, find: () => Value): Value {
  if (key === undefined) return find()
  const known = memo.get(key)
  if (known !== undefined) return known
  const found = find()
  if (isSound(found)) memo.set(key, found)
  return found
}
