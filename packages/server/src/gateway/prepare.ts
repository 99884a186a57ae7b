import type { Payloads } from '#audit'
import type { Principal } from '#auth'
import { Fault, type Json } from '@countersign/contract'
import type { Runs } from '#policy'
import type { ToolRules } from '#registry'
import type { Asked, Client } from './asked.ts'
import type { Case } from './judge-approved.ts'
import { targetOf } from './target.ts'

export interface PrepareRooms {
  /** What the operator decided about single tools. */
  readonly rules: ToolRules
  readonly runs: Runs
  readonly payloads: Payloads
}

/** Finds what a call names, and gathers all that it is judged by. */
export async function prepare(
  { rules, runs, payloads }: PrepareRooms,
  who: Principal,
  asked: Asked,
  client: Pick<Client, 'label'>,
): Promise<Case> {
  const target = targetOf(asked, rules)
  const { label } = client
  const run = await runs.of(who, { handle: asked.run, client: label })
  const given = target.params['arguments']
  const argumentsDigest = await digestOf(payloads, who, given ?? target.params)
  const address = asked.whence?.address
  const about = {
    view: asked.view.id,
    arguments: given,
    argumentsDigest,
    ...(run === undefined ? {} : { run }),
    ...(address === undefined ? {} : { address }),
  }
  return { who, target, about, label, run }
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
