import type { Payloads } from '#audit'
import type { Principal } from '#auth'
import { Fault, textAt, type Json } from '@countersign/contract'
import type { Runs } from '#policy'
import type { Labels, ToolRules } from '#registry'
import type { Asked, Client } from './asked.ts'
import type { Case } from './judge-approved.ts'
import { givenIn } from './kept.ts'
import { targetOf, type Target } from './target.ts'

export interface PrepareRooms {
  /** What the operator decided about single tools. */
  readonly rules: ToolRules
  /** Undefined where nothing has a label. */
  readonly labels?: Labels | undefined
  readonly runs: Runs
  readonly payloads: Payloads
}

/** Finds what a call names, and gathers all that it is judged by (PO-062). */
export async function prepare(
  { rules, labels, runs, payloads }: PrepareRooms,
  who: Principal,
  asked: Asked,
  client: Pick<Client, 'label'>,
): Promise<Case> {
  const target = targetOf(asked, rules)
  const { label } = client
  const run = await runs.of(who, { handle: asked.run, client: label })
  const given = target.params['arguments']
  const argumentsDigest = await digestOf(payloads, who, givenIn(target))
  const address = asked.whence?.address
  const about = {
    view: asked.view.id,
    client: label,
    arguments: given,
    argumentsDigest,
    ...(run === undefined ? {} : { run, recent: run.recent }),
    ...labelled(labels, target, asked),
    ...(asked.screened ? { found: Object.keys(asked.screened.found).toSorted() } : {}),
    ...(address === undefined ? {} : { address }),
    ...(asked.run === undefined ? {} : { handle: asked.run }),
  }
  return { who, target, about, label, run, blocked: asked.screened?.blocked }
}

/** What the definition of a target is labelled with. */
function labelled(
  labels: Labels | undefined,
  { server, kind, name }: Target,
  { view, params }: Asked,
): { readonly labels?: readonly string[] } {
  if (!labels) return {}
  const exposed = labels.infers ? view.find(kind, textAt(params, 'name'))?.exposed : undefined
  return { labels: labels.of({ server, kind, name }, exposed?.definition.body) }
}

/** A number such as 1e999 is JSON text without a JSON value. */
async function digestOf(payloads: Payloads, who: Principal, value: Json): Promise<string> {
  try {
    return await payloads.digest(who.id, value)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('rpc/bad-params', 'A number in the parameters is out of range.', { cause })
  }
}
