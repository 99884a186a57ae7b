// The clients, in a process of their own: each on its own kept connection.

import { Client } from 'undici'
import { answerJobs } from '../answer-jobs.ts'
import { drive, type Job } from '../callers.ts'
import type { Answer, Send, Sent } from './target.ts'
import { HTTP_TARGETS } from './targets.ts'

/** What these clients do, and to whom. */
export interface HttpJob extends Job {
  readonly target: string
  readonly origin: string
}

/** One request on a connection, without what an all-purpose client would add. */
function sender(client: Client): Send {
  return ({ method, path, headers = [], body }: Sent) =>
    new Promise<Answer>((resolve, reject) => {
      const chunks: Buffer[] = []
      let status = 0
      client.dispatch(
        { method, path, headers: [...headers], ...(body === undefined ? {} : { body }) },
        {
          onRequestStart: () => {
            status = 0
          },
          onResponseStart: (_controller, code) => {
            status = code
          },
          onResponseData: (_controller, chunk) => {
            chunks.push(chunk)
          },
          onResponseEnd: () => resolve({ status, body: Buffer.concat(chunks) }),
          onResponseError: (_controller, error) => reject(error),
        },
      )
    })
}

const refuse: Send = () => Promise.reject(new TypeError('no such client'))

answerJobs(async ({ target, origin, ...job }: HttpJob) => {
  const wanted = HTTP_TARGETS.find(({ id }) => id === target)
  if (!wanted) throw new TypeError(`there is no target "${target}"`)
  const clients = Array.from({ length: job.callers }, () => new Client(origin))
  const senders = clients.map(sender)
  const done = await drive(job, (caller) => wanted.once(senders[caller] ?? refuse))
  await Promise.all(clients.map((client) => client.close()))
  return done
})
