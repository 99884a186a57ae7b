import type { Opening } from '#audit'
import type { Runs } from '#policy'
import { judgeCall, type JudgeCallRooms, type Judgement } from './judge-call.ts'
import type { Client } from './asked.ts'
import type { Case } from './judge-approved.ts'

/**
 * Writes down what a call touches, before it leaves: from then on no call of this principal is judged
 * without it. What others have left there since this one was judged may change what is decided: it is
 * judged again then (PO-067). Undefined when nothing is different.
 */
export async function labelRun(
  rooms: JudgeCallRooms & { readonly runs: Runs },
  judged: Case,
  call: string,
  client: Pick<Client, 'using'>,
): Promise<Judgement | undefined> {
  const { who, run, about } = judged
  const { labels } = about
  if (!run || labels === undefined) return undefined
  // What has no label leaves none, and may be forbidden all the same after what others have left.
  const now =
    labels.length > 0
      ? await rooms.runs.touch(who, run, { call, labels })
      : await rooms.runs.of(who, { handle: about.handle, client: judged.label })
  if (!now) return undefined
  const isGrown =
    now.labels.some((one) => !run.labels.includes(one)) ||
    now.recent.some((one) => !run.recent.includes(one))
  if (!isGrown) return undefined
  const again = { ...judged, run: now, about: { ...about, run: now, recent: now.recent } }
  return judgeCall(rooms, again, client)
}

/** What an entry says of the run, and of what was known when the call was judged. */
export function runToldOf({ run, about }: Case): Pick<Opening, 'run' | 'flow' | 'found'> {
  const { labels, found, handle } = about
  // A run that was named is told also where no tool has a label.
  const id = run?.id ?? handle
  return {
    ...(id === undefined ? {} : { run: id }),
    ...(labels === undefined
      ? {}
      : { flow: { labels, run: run?.labels ?? [], recent: run?.recent ?? [] } }),
    ...(found === undefined || found.length === 0 ? {} : { found }),
  }
}
