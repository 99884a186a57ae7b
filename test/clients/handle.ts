import assert from 'node:assert/strict'
import { textsOf } from './stand-ins/manners.ts'
import type { Seen } from './stand-ins/stand-in.ts'

/** The tools that the gateway adds for clients without tasks. */
export const RESULT = 'countersign_result'
export const PENDING = 'countersign_pending'
export const CANCEL = 'countersign_cancel'

/** The id of the request in a text, as a model finds it: next to the tool that wants it. */
export const idIn = (text: string): string | undefined =>
  new RegExp(`call ${RESULT} with id \\\\?"([\\w-]+)\\\\?"`).exec(text)?.[1]

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
