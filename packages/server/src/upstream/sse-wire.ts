import type { EventSourceMessage } from 'eventsource-parser'
import { HttpExchange, type BodyMode, type HttpHeaders, type HttpReader } from './http-exchange.ts'
import { HttpPeer, type HttpOptions } from './http-peer.ts'
import { mediaType } from './media-type.ts'
import { idOfDeep, readJson } from './read-json.ts'
import { describeStatus, upstreamFault } from './upstream-fault.ts'
import type { Parcel, Receiver, Wire } from './wire.ts'

const ENDPOINT_MS = 10_000

/** HTTP+SSE of 2024-11-05: one GET stream carries all answers, POSTs go where it said (H-088). */
export async function openSse(
  options: HttpOptions,
  receiver: Receiver,
  signal: AbortSignal,
): Promise<Wire> {
  const peer = new HttpPeer(options)
  const { server, world } = options
  let over = false
  const end = (code: 'upstream/broken' | 'upstream/too-large', what: string): void => {
    if (over) return
    over = true
    receiver.ended(upstreamFault(code, server, what))
  }
  const close = async (): Promise<void> => {
    exchange.abort()
    end('upstream/broken', 'was disconnected.')
    await peer.pool.destroy()
  }
  const endpoint = Promise.withResolvers<string>()
  const fail = (what: string): void => {
    endpoint.reject(upstreamFault('upstream/unavailable', server, what))
    end('upstream/broken', what)
  }
  const exchange = new HttpExchange(
    streamReader(peer, receiver, { found: endpoint.resolve, fail, end }),
    options.bytesMax,
  )
  const closed = (): void => fail('is closed.')
  signal.addEventListener('abort', closed)
  const stopTimer = world.after(ENDPOINT_MS, () => fail('names no endpoint on its event stream.'))
  peer.send(
    { method: 'GET', path: peer.path, headers: peer.sessionHeaders(undefined, undefined) },
    exchange,
  )
  try {
    const path = await endpoint.promise
    return {
      kind: 'sse',
      pid: undefined,
      send: (parcel) => post(peer, path, parcel, receiver),
      forget: () => undefined,
      listen: () => undefined,
      close,
    }
  } catch (error) {
    await close()
    throw error
  } finally {
    stopTimer()
    signal.removeEventListener('abort', closed)
  }
}

interface StreamEnds {
  readonly found: (path: string) => void
  readonly fail: (what: string) => void
  readonly end: (code: 'upstream/broken' | 'upstream/too-large', what: string) => void
}

function streamReader(peer: HttpPeer, receiver: Receiver, ends: StreamEnds): HttpReader {
  const { server, bytesMax } = peer.options
  return {
    started: nothing,
    head: (status: number, headers: HttpHeaders): BodyMode => {
      if (status === 200 && mediaType(headers) === 'text/event-stream') return 'events'
      ends.fail(
        status === 200 ? 'does not serve MCP at the configured URL.' : describeStatus(status),
      )
      return 'nothing'
    },
    text: nothing,
    event: ({ event, data }: EventSourceMessage) => {
      if (event === 'endpoint') {
        const path = endpointPath(peer, data)
        if (path === undefined) ends.fail('names an endpoint on another origin.')
        else ends.found(path)
      } else if (event === undefined || event === 'message') receive(server, receiver, data)
    },
    eventId: nothing,
    retry: nothing,
    closed: (how) => {
      if (how.kind === 'too-large') {
        ends.end('upstream/too-large', `sent a message of more than ${bytesMax} bytes.`)
      } else ends.fail('closed its event stream.')
    },
  }
}

const nothing = (): void => undefined

function receive(server: string, receiver: Receiver, data: string): void {
  const read = readJson(data)
  if (read.kind === 'value') {
    receiver.receive(read.value, data, undefined)
    return
  }
  const id = read.kind === 'too-deep' ? idOfDeep(data) : undefined
  if (id === undefined) return
  const what = 'answered with JSON that nests too deep.'
  receiver.lost(id, { fault: upstreamFault('upstream/broken', server, what) })
}

/** Our credentials go to the origin they were configured for and to no other. */
function endpointPath(peer: HttpPeer, data: string): string | undefined {
  const url = URL.parse(data, peer.origin + peer.path)
  return url?.origin === peer.origin ? url.pathname + url.search : undefined
}

function post(peer: HttpPeer, path: string, parcel: Parcel, receiver: Receiver): void {
  const { server, bytesMax } = peer.options
  const { id } = parcel
  const lose = (code: 'upstream/broken' | 'upstream/unavailable', what: string): void => {
    if (id !== undefined) receiver.lost(id, { fault: upstreamFault(code, server, what) })
  }
  const exchange = new HttpExchange(
    {
      started: () => {
        if (id !== undefined) receiver.leaving(id)
      },
      head: (status) => {
        if (status >= 300) lose('upstream/broken', describeStatus(status))
        return 'nothing'
      },
      text: nothing,
      event: nothing,
      eventId: nothing,
      retry: nothing,
      closed: (how) => {
        parcel.taken?.()
        if (how.kind !== 'failed') return
        if (how.started) lose('upstream/broken', 'broke the connection.')
        else lose('upstream/unavailable', `cannot be reached at ${peer.origin}.`)
      },
    },
    bytesMax,
  )
  const headers = peer.postHeaders(parcel)
  peer.send({ method: 'POST', path, headers, body: parcel.text }, exchange, parcel.showed)
}
