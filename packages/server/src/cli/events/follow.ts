import { Fault, isObject, own, textAt } from '@countersign/contract'
import type { Config } from '#config'
import { EXIT } from '../command.ts'
import type { Io } from '../io.ts'
import { findRunning, type Running } from '../running.ts'
import { hearInterrupt } from '../tasks/interrupt.ts'
import type { Asked } from './events.ts'

/** How long it waits before it looks again for a gateway that is gone. */
const AGAIN_MS = 500

/** Says what comes until Ctrl-C; a gateway that ends and comes back costs nothing. */
export async function follow(
  config: Config,
  io: Io,
  { after, ...asked }: Asked,
  say: (event: unknown) => void,
): Promise<number> {
  using interrupt = hearInterrupt()
  const { signal } = interrupt
  const place: Place = { at: after }
  let isAway = false
  while (!signal.aborted) {
    const running = await findRunning(config)
    if (running) await listen(running, { asked, place, say, signal })
    else if (!isAway) io.stderr.write('No gateway is running; waiting for it.\n')
    isAway = !running
    await io.world.wait(AGAIN_MS, signal).catch(() => undefined)
  }
  return EXIT.ok
}

/** The last place that was told of. */
interface Place {
  at: number | undefined
}

interface Listening {
  readonly asked: Omit<Asked, 'after'>
  readonly place: Place
  readonly say: (event: unknown) => void
  readonly signal: AbortSignal
}

/** Resolves when the stream is over, for whatever reason but one that asking again would not change. */
async function listen(running: Running, { asked, place, say, signal }: Listening): Promise<void> {
  const url = addressOf(running, asked)
  const headers = {
    authorization: `Bearer ${running.token.reveal()}`,
    ...(place.at === undefined ? {} : { 'last-event-id': String(place.at) }),
  }
  const response = await fetch(url, { headers, signal }).catch(() => undefined)
  if (!response) return
  if (!response.ok || !response.body) throw await refusalOf(response)
  try {
    for await (const { id, name, data } of blocksOf(response.body)) {
      if (id !== undefined) place.at = Number(id)
      if (data !== undefined && name !== 'end') say(JSON.parse(data))
    }
  } catch (thrown) {
    // A connection that breaks is one that ends: the next one goes on after the last place.
    if (thrown instanceof SyntaxError) throw thrown
  }
}

function addressOf({ url: base }: Running, asked: Listening['asked']): URL {
  const url = new URL('/admin/events', base)
  for (const [name, value] of Object.entries(asked)) {
    if (typeof value === 'string') url.searchParams.set(name, value)
  }
  return url
}

async function refusalOf(response: Response): Promise<Fault> {
  const body: unknown = await response.json().catch(() => undefined)
  const error = isObject(body) ? own(body, 'error') : undefined
  const message = isObject(error) ? textAt(error, 'message') : ''
  return new Fault('upstream/broken', message || `Countersign answered ${String(response.status)}.`)
}

interface Block {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly data: string | undefined
}

/** Server-sent events as our stream writes them: one line of data, line feeds alone (WHATWG HTML §9.2). */
async function* blocksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Block> {
  let rest = ''
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = `${rest}${text}`.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const lines = block.split('\n')
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      yield { id: field('id'), name: field('event'), data: field('data') }
    }
  }
}
