import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { patiently } from './patience.ts'

const asking = (accept: string): Request =>
  new Request('http://127.0.0.1/mcp', { method: 'POST', headers: { accept } })
const BOTH = 'application/json, text/event-stream'
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{}}'

describe('an answer that takes its time', () => {
  it('is what it is when it comes soon', async () => {
    const soon = Response.json({}, { status: 400 })
    assert.equal(await patiently(asking(BOTH), () => Promise.resolve(soon)), soon)
  })

  it('begins as a stream, and ends with the answer', async () => {
    const answer = Promise.withResolvers<Response>()
    const response = await patiently(asking(BOTH), () => answer.promise, 1)
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    answer.resolve(new Response(ANSWER, { headers: { 'content-type': 'application/json' } }))
    assert.equal(await response.text(), `: keepalive\n\nevent: message\ndata: ${ANSWER}\n\n`)
  })

  it('goes on as the stream it is', async () => {
    const answer = Promise.withResolvers<Response>()
    const response = await patiently(asking(BOTH), () => answer.promise, 1)
    const headers = { 'content-type': 'text/event-stream' }
    answer.resolve(new Response('data: 1\n\ndata: 2\n\n', { headers }))
    assert.equal(await response.text(), ': keepalive\n\ndata: 1\n\ndata: 2\n\n')
  })

  it('is waited for where a stream is not wanted', async () => {
    const answer = Promise.withResolvers<Response>()
    const response = patiently(asking('application/json'), () => answer.promise, 1)
    await new Promise((resolve) => setTimeout(resolve, 10))
    answer.resolve(new Response(ANSWER))
    assert.equal(await (await response).text(), ANSWER)
  })
})
