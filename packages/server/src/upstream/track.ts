import { textAt } from '@countersign/contract'
import type { SentSpan, TraceContext, Tracks } from '#telemetry'
import type { Answer, Ask } from './flight.ts'
import type { ServerSpec } from './upstream.ts'

/** A request that is followed from here to its answer. */
interface Tracked {
  /** What the server is told that it follows from. */
  readonly context: TraceContext | undefined
  /** Whoever waits for the answer, after it has been told of. */
  readonly hearing: (resolve: (answer: Answer) => void) => (answer: Answer) => void
}

export type Track = (ask: Ask) => Tracked

/** How the requests to one server are followed. */
export function trackOf(tracks: Tracks, { id: server, transport }: ServerSpec): Track {
  const where = transport.kind === 'stdio' ? { isHttp: false } : placeOf(transport.url)
  return ({ id, method, params, revision, exchange }) => {
    const name = textAt(params, 'name')
    const span = tracks(
      {
        server,
        id,
        method,
        revision,
        tool: method === 'tools/call' ? name : undefined,
        prompt: method === 'prompts/get' ? name : undefined,
        ...where,
      },
      exchange?.origin,
    )
    return {
      context: span.context,
      hearing: (resolve) => (answer) => {
        span.end(endOf(answer))
        resolve(answer)
      },
    }
  }
}

function placeOf(url: string) {
  const { hostname, port, protocol } = new URL(url)
  const usual = protocol === 'https:' ? 443 : 80
  return { isHttp: true, address: hostname, port: port === '' ? usual : Number(port) }
}

function endOf(answer: Answer): Parameters<SentSpan['end']>[0] {
  switch (answer.kind) {
    case 'result':
      return { isToolError: answer.result['isError'] === true }
    case 'error':
      return { error: answer.error.code }
    case 'lost':
      return { fault: answer.fault.code }
  }
}
