import { Fault } from '@countersign/contract'
import { Brake as BrakeShape, type Brake, type Stopped } from '@countersign/contract/admin-brake'
import type { Principal } from '#auth'
import { newId, type World } from '#base'
import { openCounted, type Records } from '#store'
import type { Log } from '#telemetry'
import { clientNames } from './client-names.ts'
import type { About, Judged, Listing, Policy } from './decide.ts'

/** Who asks for what, as far as brakes go. */
export interface Braked {
  readonly server: string
  readonly name: string
  readonly principal: string
  /** Every client that the call comes through. */
  readonly clients: readonly string[]
  /** What its run is called: by us, and by whoever asks. */
  readonly runs: readonly string[]
}

export interface Brakes {
  /** Here at once, on every other node within a second. */
  readonly pull: (stopped: Stopped, by: string, reason: string) => Promise<Brake>
  /** Undefined when there is no such brake. */
  readonly release: (id: string) => Promise<Brake | undefined>
  /** The newest first. */
  readonly list: () => readonly Brake[]
  /** The brake that stops it, if there is one. Asked before each call. */
  readonly on: (braked: Braked) => Brake | undefined
  readonly close: () => void
}

export interface BrakeRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly isShared: boolean
}

const KIND = 'Brake'
const PAGE = 1_000

export async function openBrakes({ world, log, records, isShared }: BrakeRooms): Promise<Brakes> {
  let brakes: readonly Brake[] = []
  /** Pulled here, and perhaps not written down yet. */
  let fresh: readonly Brake[] = []
  let changes = 0
  const load = async (): Promise<void> => {
    for (;;) {
      const before = changes
      // oxlint-disable-next-line eslint/no-await-in-loop -- What came in between is read again.
      const saved = await allIn(records)
      if (before !== changes) continue
      const ours = fresh.filter(({ id }) => !saved.some((one) => one.id === id))
      brakes = [...ours, ...saved].toSorted(byTime)
      return
    }
  }
  const onProblem = (cause: unknown): void => {
    log.error({ cause: String(cause) }, 'brakes cannot be read')
  }
  const counted = await openCounted({ world, records, isShared, load, onProblem }, KIND)
  return {
    list: () => brakes,
    on: (braked) =>
      brakes.length === 0 ? undefined : brakes.find(({ stopped }) => isStopped(stopped, braked)),
    pull: async (stopped, by, reason) => {
      const brake = { id: newId(world, 'brake'), stopped, reason, by, at: world.now() }
      // Before it is written down: what stops everything does not wait for a disk.
      brakes = [brake, ...brakes]
      fresh = [brake, ...fresh]
      try {
        await records.put(KIND, brake.id, { stopped: { ...stopped }, reason, by, at: brake.at })
      } finally {
        changes++
        fresh = fresh.filter((one) => one !== brake)
      }
      await counted.changed()
      return brake
    },
    release: async (id) => {
      const brake = brakes.find((one) => one.id === id)
      if (!brake) return undefined
      // One that could not be written down is on here all the same, and has to come off.
      await records.remove(KIND, id)
      changes++
      brakes = brakes.filter((one) => one.id !== id)
      await counted.changed()
      return brake
    },
    close: counted.close,
  }
}

async function allIn(records: Records): Promise<readonly Brake[]> {
  const all: Brake[] = []
  for (let after = ''; ;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each page says where the next one begins.
    const page = await records.list(KIND, { after, limit: PAGE })
    all.push(...page.flatMap(({ id, value }) => BrakeShape.safeParse({ ...value, id }).data ?? []))
    const last = page.at(-1)
    if (!last || page.length < PAGE) return all
    after = last.id
  }
}

const byTime = (one: Brake, other: Brake): number => other.at - one.at

export function isStopped(stopped: Stopped, braked: Braked): boolean {
  switch (stopped.what) {
    case 'everything':
      return true
    case 'server':
      return stopped.server === braked.server
    case 'tool':
      return stopped.server === braked.server && stopped.tool === braked.name
    case 'client':
      return braked.clients.includes(stopped.client)
    case 'principal':
      return stopped.principal === braked.principal
    case 'run':
      // Two principals may call their runs alike.
      return (
        braked.runs.includes(stopped.run) &&
        (stopped.principal === undefined || stopped.principal === braked.principal)
      )
  }
}

/** As a sentence begins. */
export function stoppedInWords(stopped: Stopped): string {
  switch (stopped.what) {
    case 'everything':
      return 'Everything'
    case 'server':
      return `Server ${stopped.server}`
    case 'tool':
      return `The tool "${stopped.tool}" of ${stopped.server}`
    case 'client':
      return `The client ${stopped.client}`
    case 'principal':
      return `The principal ${stopped.principal}`
    case 'run':
      return stopped.principal === undefined
        ? `The run ${stopped.run}`
        : `The run ${stopped.run} of ${stopped.principal}`
  }
}

/** Whose call it is, for brakes: with every program between the subject and us. */
export function brakedBy(
  who: Principal,
  { server, name }: { readonly server: string; readonly name: string },
  { run, handle, client }: Pick<About, 'run' | 'handle' | 'client'>,
): Braked {
  const runs = [...(run ? [run.id] : []), ...(handle === undefined ? [] : [handle])]
  const asked = { server, name, principal: who.id, runs }
  // Without tokens it is what it calls itself, as for limits: better than that nothing is stopped.
  if (who.proof === 'local') return { ...asked, clients: client ? clientNames(client) : [] }
  const acting = who.actors.map((one) => one.client ?? one.subject)
  return { ...asked, clients: who.client === undefined ? acting : [who.client, ...acting] }
}

/** A brake goes before every policy: it is for the moment when nobody has the time to write one. */
export function withBrakes(policy: Policy & Listing, brakes: Brakes): Policy & Listing {
  const decide: Policy['decide'] = (who, judged, about) => {
    const brake = brakeOn(brakes, who, judged, about)
    if (!brake) return policy.decide(who, judged, about)
    return { kind: 'deny', because: refusalOf(brake), policies: [`brake:${brake.id}`] }
  }
  return { isListed: policy.isListed, decide }
}

const brakeOn = (brakes: Brakes, who: Principal, judged: Judged, about: About): Brake | undefined =>
  // Nothing is stopped nearly always: then nothing is put together to compare.
  brakes.list().length === 0 ? undefined : brakes.on(brakedBy(who, judged, about))

/** Why a call may not leave now, if it was stopped after it was judged. */
export const stoppedBy =
  (brakes: Brakes) =>
  ({ who, target, about }: StoppedCase): Fault | undefined => {
    const brake = brakeOn(brakes, who, target, about)
    return brake && new Fault('policy/denied', refusalOf(brake))
  }

interface StoppedCase {
  readonly who: Principal
  readonly target: Judged
  readonly about: About
}

const refusalOf = ({ stopped, reason }: Brake): string =>
  [
    'Nothing was executed.',
    `${stoppedInWords(stopped)} was stopped by whoever runs this gateway: ${/[.!?]$/.test(reason) ? reason : `${reason}.`}`,
    'The same call will be refused until they lift that.',
    'Tell the user, and go on without it.',
  ].join(' ')
