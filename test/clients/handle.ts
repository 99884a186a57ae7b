import assert from 'node:assert/strict'
import { textsOf } from './stand-ins/manners.ts'
import type { Seen, StandIn } from './stand-ins/stand-in.ts'

/** The tools that the gateway adds for clients without tasks. */
export const RESULT = 'countersign_result'
export const PENDING = 'countersign_pending'
export const CANCEL = 'countersign_cancel'

/** The id of the request in a text, as a model finds it: next to the tool that wants it. */
export const idIn = (text: string): string | undefined =>
  new RegExp(`call ${RESULT} with id \\\\?"([\\w-]+)\\\\?"`).exec(text)?.[1]

/** The first id in a list of requests. */
export const listedId = (text: string): string => /\btask_[\w-]+/.exec(text)?.[0] ?? 'none'

/** What every client can read: one text block, and nothing that a client would show in its place. */
export function assertReadable(seen: Seen, tool: string): string {
  assert.ok(seen.kind === 'shown', `${seen.kind}: ${seen.text}`)
  const { content, structuredContent } = seen.result
  assert.deepEqual(
    content.map(({ type }) => type),
    ['text'],
  )
  assert.equal(structuredContent, undefined)
  const [text = ''] = textsOf(seen.result)
  assert.ok(text.endsWith('\n'), 'texts are glued together by some clients')
  assert.match(text, new RegExp(`Do not call ${tool} again`))
  const id = idIn(seen.text)
  assert.ok(id !== undefined, `no id in what the model reads: ${seen.text}`)
  return id
}

/** Asks until the result is there; a model would do the same, if not so often. */
export async function resultOf(client: StandIn, id: string): Promise<Seen> {
  for (let times = 0; times < 20; times += 1) {
    const seen = await client.call(RESULT, { id })
    const isOpen = /^(<untrusted_context>\n)?(Still )?[Rr]unning/.test(seen.text)
    if (seen.kind === 'shown' && !isOpen) return seen
  }
  return assert.fail(`${id} was never finished`)
}
