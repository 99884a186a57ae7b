import { missingCapability, own, RPC, type InputRequest } from '@countersign/contract'
import { newId, type World } from '#base'
import type { Listener } from '#tasks'
import type { InputAnswer } from '#upstream'
import { notification, voice, type Channel } from './client.ts'
import { forRevision } from './elicitation.ts'
import type { LegacyRequest } from './legacy.ts'
import { tokenOf } from './read.ts'
import type { Session } from './session.ts'

interface LiveRooms {
  readonly world: World
}

/** How long a person may take to answer a question on the open stream. */
const ASK_MS = 30 * 60_000

/**
 * One open request of a legacy client, which is asked by real requests on its stream (H-069). `dress`
 * changes what is sent: questions of a task name the task (TL-013).
 */
export function listenerOf(
  rooms: LiveRooms,
  { session, request, channel }: Pick<LegacyRequest, 'session' | 'request' | 'channel'>,
  dress: (request: InputRequest) => InputRequest = (asked) => asked,
): Listener {
  const { revision } = session.facts
  const elicitations = new Map<string, string>()
  const speaker = voice(channel, tokenOf(request.params), () => session.logLevel ?? 'debug')
  return {
    progress: speaker.progress,
    log: speaker.log,
    ...(speaker.beat ? { beat: speaker.beat } : {}),
    ask: async (asked, withdrawn) => {
      const { request: shaped, restore } = forRevision(asked, revision, () => {
        const id = newId(rooms.world, 'elicitation')
        const theirs = asked.params && own(asked.params, 'elicitationId')
        if (typeof theirs === 'string') elicitations.set(theirs, id)
        return id
      })
      return restore(await askLive(rooms, session, channel, dress(shaped), withdrawn))
    },
    elicitationComplete: (theirs) => {
      // What was demanded by an error (-32042) was passed on under the server's own id.
      const elicitationId = elicitations.get(theirs) ?? theirs
      const over = notification('notifications/elicitation/complete', { elicitationId })
      // It often comes when the call is long over, and with it the stream of the call (I-045).
      if (session.listening) session.listening.send(over)
      else channel.send(over)
    },
    isGone: () => channel.isGone?.() ?? false,
    takes: (asked) => missingCapability(asked, session.facts.capabilities) === undefined,
    paused: (retryMs) => {
      channel.pause?.(retryMs)
    },
  }
}

async function askLive(
  rooms: LiveRooms,
  session: Session,
  channel: Channel,
  { method, params }: InputRequest,
  withdrawn: AbortSignal,
): Promise<InputAnswer> {
  const id = session.nextAskId()
  const answered = session.awaitAnswer(id)
  channel.send({ jsonrpc: '2.0', id, method, ...(params ? { params } : {}) })
  const giveUp = (message: string): void => {
    channel.send(notification('notifications/cancelled', { requestId: id, reason: message }))
    session.settle(id, { kind: 'error', error: { code: RPC.internal, message } })
  }
  const onAbort = (): void => {
    giveUp('The question was withdrawn.')
  }
  const cancelTimer = rooms.world.after(ASK_MS, () => {
    giveUp('Nobody answered in time.')
  })
  withdrawn.addEventListener('abort', onAbort, { once: true })
  if (withdrawn.aborted) onAbort()
  const said = await answered
  cancelTimer()
  withdrawn.removeEventListener('abort', onAbort)
  return said
}
