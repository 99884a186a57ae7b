// Somebody outside who is told: a web server that checks signatures as their documentation says.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { Wire } from '../stories/raw.ts'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly id: string
  readonly text: string
  readonly json: Wire
}

export interface Receiver extends AsyncDisposable {
  readonly url: string
  /** Everything that was signed as it has to be, in the order in which it came. */
  readonly received: Received[]
  readonly unsigned: string[]
  /** What it says to the next ones; 204 to all unless said otherwise. */
  answer: (received: Received, response: ServerResponse) => void
}

/** Throws for what this secret did not sign; `isOfToday` is false for senders whose clock runs ahead. */
function check(
  secret: string,
  text: string,
  headers: IncomingHttpHeaders,
  isOfToday: boolean,
): void {
  const all = headers as Record<string, string>
  const webhook = new Webhook(secret)
  if (isOfToday) webhook.verify(text, all)
  else {
    const at = new Date(Number(all['webhook-timestamp']) * 1_000)
    const signature = webhook.sign(String(all['webhook-id']), at, text)
    if (!String(all['webhook-signature']).split(' ').includes(signature))
      throw new Error('unsigned')
  }
}

export async function startReceiver(secret: string, isOfToday = true): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const { headers, url = '' } = request
      const id = String(headers['webhook-id'])
      try {
        check(secret, text, headers, isOfToday)
      } catch {
        receiver.unsigned.push(text)
        response.writeHead(401).end()
        return
      }
      const one = { path: url, headers, id, text, json: JSON.parse(text) }
      receiver.received.push(one)
      receiver.answer(one, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${String(port)}/hook`,
    received: [],
    unsigned: [],
    answer: (_received, response) => void response.writeHead(204).end(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}
