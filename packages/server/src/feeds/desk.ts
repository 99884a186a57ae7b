import { Fault } from '@countersign/contract'
import type { Note } from '@countersign/contract/ledger/entries'
import type { Entry } from '#audit'
import type { DeadLetter, DeadLetters } from './dead-letters.ts'
import type { Event } from './event.ts'
import type { Place } from './place.ts'
import { post, type Posted, type PostRooms, type WebhookSpec } from './post.ts'
import type { Switch } from './switch.ts'

/** One webhook as operators see it. */
interface WebhookLine {
  readonly name: string
  /** Where it leads, without the part that may be a secret. */
  readonly host: string
  readonly format: string
  readonly kinds: readonly string[]
  /** Why it is off; undefined while it is on. */
  readonly off: string | undefined
  /** The place up to which it was told, as far as that is written down; undefined: nothing yet. */
  readonly at: number | undefined
  /** How many entries are behind that, wanted or not. */
  readonly behind: number
  readonly attempts: number
  readonly nextAt: number | undefined
  readonly problem: string | undefined
  readonly dead: number
}

/** What operators do about webhooks. */
export interface WebhookDesk {
  readonly list: () => Promise<readonly WebhookLine[]>
  readonly dead: (name: string) => Promise<readonly DeadLetter[]>
  /** Turns it on if it was off, and tries at once what waits; or sends one dead letter now. */
  readonly retry: (name: string, event: number | undefined, by: string) => Promise<Told>
  /** Lets go of one dead letter, or of all. */
  readonly drop: (name: string, event: number | undefined) => Promise<number>
  /** Sends a message of kind `webhook.test`, which is no entry. */
  readonly test: (name: string) => Promise<Told>
}

/** What the receiver said; undefined when nothing was sent by this. */
interface Told {
  readonly isTaken: boolean | undefined
  readonly problem: string | undefined
}

export interface DeskRooms extends PostRooms {
  readonly dead: DeadLetters
  readonly note: Note
  readonly read: (range: { readonly after: number }) => Promise<readonly Entry[]>
  readonly head: () => Promise<number>
}

export interface Hook {
  readonly spec: WebhookSpec
  readonly flip: Switch
  readonly place: () => Promise<Place | undefined>
}

export function makeWebhookDesk(rooms: DeskRooms, hooks: readonly Hook[]): WebhookDesk {
  const { dead, note, world, renderer } = rooms
  const find = (name: string): Hook => {
    const found = hooks.find(({ spec }) => spec.name === name)
    if (found) return found
    throw new Fault(
      'webhook/unknown',
      `There is no webhook "${name.slice(0, 100)}". "countersign webhooks" lists those there are.`,
    )
  }
  const tell = async ({ spec }: Hook, event: Event): Promise<Told> =>
    toldOf(await post(rooms, spec, event, await renderer.about(event)))
  return {
    list: async () => {
      const head = await rooms.head()
      return Promise.all(hooks.map((hook) => lineOf(hook, head, dead)))
    },
    dead: (name) => dead.list(find(name).spec.name),
    retry: async (name, event, by) => {
      const hook = find(name)
      if (event === undefined) {
        if (await hook.flip.turnOn()) await note('webhook.enabled', { webhook: name, by })
        return { isTaken: undefined, problem: undefined }
      }
      const letter = await dead.find(name, event)
      const entry = (await rooms.read({ after: event - 1 })).find(({ seq }) => seq === event)
      if (!letter || !entry) throw noLetter(name, event)
      const told = await tell(hook, entry)
      if (told.isTaken === true) await dead.drop(name, event)
      return told
    },
    drop: async (name, event) => {
      const { spec } = find(name)
      const all = event === undefined ? await dead.list(spec.name) : [{ event }]
      const dropped = await Promise.all(all.map((one) => dead.drop(spec.name, one.event)))
      if (event !== undefined && dropped[0] !== true) throw noLetter(name, event)
      return dropped.filter(Boolean).length
    },
    test: (name) => tell(find(name), { ...TEST, at: world.now() }),
  }
}

const TEST = {
  seq: undefined,
  kind: 'webhook.test',
  call: undefined,
  body: { message: 'This is a test: it stands in no ledger.' },
}

async function lineOf(
  { spec, flip, place }: Hook,
  head: number,
  dead: DeadLetters,
): Promise<WebhookLine> {
  const [state, at, letters] = await Promise.all([flip.read(), place(), dead.list(spec.name)])
  const isTrying = at !== undefined && at.attempts > 0
  return {
    name: spec.name,
    host: new URL(spec.url).host,
    format: spec.format,
    kinds: spec.kinds ?? [],
    off: state.off,
    at: at?.at,
    behind: at === undefined ? 0 : Math.max(0, head - at.at),
    attempts: at?.attempts ?? 0,
    nextAt: isTrying ? at.nextAt : undefined,
    problem: at?.problem,
    dead: letters.length,
  }
}

const toldOf = (posted: Posted): Told =>
  posted.is === 'taken'
    ? { isTaken: true, problem: undefined }
    : { isTaken: false, problem: posted.is === 'gone' ? 'HTTP 410' : posted.problem }

const noLetter = (name: string, event: number): Fault =>
  new Fault(
    'webhook/unknown',
    `${name} has no dead letter ${String(event)}. "countersign webhooks dead ${name}" lists those there are.`,
  )
