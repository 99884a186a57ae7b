/** Calls that take long: an answer that has begun keeps every clock between here and the client calm. */
import { systemWorld } from '@countersign/engine'

/** Clients and proxies give up on an answer that has not begun after 30 to 300 seconds. */
const PATIENCE_MS = 10_000
/** A comment on a stream on which nothing else happens. */
const KEEP_ALIVE_MS = 15_000

/** What a stream of events is served with. */
export const EVENT_STREAM = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const

/**
 * The response, or, where it takes longer than `patienceMs`, a stream of events that begins at once
 * and ends with what the response says. Its status is 200 then, whatever comes (AM-13).
 */
export async function patiently(
  request: Request,
  respond: () => Promise<Response>,
  patienceMs = PATIENCE_MS,
): Promise<Response> {
  const responding = respond()
  if (request.headers.get('accept')?.includes('text/event-stream') !== true) return await responding
  const late = Promise.withResolvers<undefined>()
  const off = systemWorld.after(patienceMs, () => {
    late.resolve(undefined)
  })
  const response = await Promise.race([responding, late.promise]).finally(off)
  return response ?? new Response(stream(responding), { headers: EVENT_STREAM })
}

const nothing = (): void => undefined

function stream(responding: Promise<Response>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let stop = nothing
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const keepAlive = (): void => {
        controller.enqueue(encoder.encode(': keepalive\n\n'))
        stop = systemWorld.after(KEEP_ALIVE_MS, keepAlive)
      }
      keepAlive()
      const write = (chunk: Uint8Array): void => controller.enqueue(chunk)
      copy(responding, write, () => {
        stop()
      })
        .then(() => controller.close())
        .catch((error: unknown) => {
          stop()
          // Where the client is gone, nobody hears it.
          controller.error(error)
        })
    },
    cancel: () => {
      stop()
    },
  })
}

/** Copies a response onto a stream of events; `began` is called before its first byte. */
async function copy(
  responding: Promise<Response>,
  write: (chunk: Uint8Array) => void,
  began: () => void,
): Promise<void> {
  const response = await responding
  began()
  if (response.headers.get('content-type')?.includes('text/event-stream') !== true) {
    const text = await response.text()
    write(new TextEncoder().encode(`event: message\ndata: ${text}\n\n`))
    return
  }
  for await (const chunk of response.body ?? []) write(chunk)
}
