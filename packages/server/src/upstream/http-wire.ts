import type { Revision } from '@countersign/contract'
import { Roster } from '#base'
import { HttpLane } from './http-lane.ts'
import { HttpPeer, type HttpOptions } from './http-peer.ts'
import { HttpStream } from './http-stream.ts'
import { within } from './start-child.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { Parcel, Receiver, Wire } from './wire.ts'

const FAREWELL_MS = 1_000
/** Messages under way, before answers to the server's own requests are left out. */
const LANES_MAX = 2_000

/** Streamable HTTP: each message a POST, each request with a stream of its own. */
export function openHttp(options: HttpOptions, receiver: Receiver): Wire {
  const peer = new HttpPeer(options)
  const lanes = new Roster<HttpLane>()
  let unnumbered = 0
  let revision: Revision | undefined
  const stream = new HttpStream(peer, receiver)
  const send = (parcel: Parcel): void => {
    const { id } = parcel
    if (id === undefined && lanes.size > LANES_MAX) {
      parcel.taken?.() // It asks faster than it listens; what it asked stays unanswered.
      return
    }
    revision = parcel.revision ?? revision
    // Numbers of requests grow upwards from 1; notifications and answers get those below.
    const number = id ?? --unnumbered
    const lane = new HttpLane(peer, receiver, parcel, () => void lanes.remove(number))
    lanes.add(number, lane)
    lane.post()
  }
  const leave = async (): Promise<void> => {
    stream.close()
    receiver.ended(upstreamFault('upstream/broken', options.server, 'was disconnected.'))
    for (const lane of lanes.values()) lane.abort()
    if (peer.sessionId !== undefined) {
      await within(options.world, FAREWELL_MS, farewell(peer, revision))
      peer.sessionId = undefined
    }
    await peer.pool.destroy()
  }
  let leaving: Promise<void> | undefined
  return {
    kind: 'http',
    pid: undefined,
    send,
    forget: (id) => lanes.get(id)?.abort(),
    listen: (open) => {
      if (open && revision !== undefined) stream.open(revision)
      else stream.close()
    },
    close: () => (leaving ??= leave()),
  }
}

/** Tells the server that the session is over; it may refuse with 405 (H-080). */
async function farewell(peer: HttpPeer, revision: Revision | undefined): Promise<void> {
  const { path, origin, options } = peer
  const shown = await options.credential?.show({ method: 'DELETE', url: origin + path })
  const headers = [
    ...peer.sessionHeaders(revision, undefined),
    ...Object.entries(shown?.headers ?? {}).flat(),
  ]
  const { body } = await peer.pool.request({ method: 'DELETE', path, headers })
  await body.dump()
}
