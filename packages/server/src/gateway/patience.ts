import {
  own,
  TASKS_EXTENSION,
  type ClientCapabilities,
  type JsonObject,
} from '@countersign/contract'
import type { World } from '#base'

/** What the operator says of waiting. Milliseconds; `Infinity` for never. */
export interface WaitingRules {
  readonly afterMs: number
  /** By the name a client gives itself. */
  readonly hold: Readonly<Record<string, number>>
}

const SECOND_MS = 1_000
/** Clients whose clock is reset by what we send while they wait; measured at 60 s and more. */
const LONG_MS = 50 * SECOND_MS
/** Clients that count from the start of the call, whatever they hear meanwhile. */
const WALL_CLOCK_MS = 20 * SECOND_MS
/** Whoever is not known is taken for the least patient of those that are common. */
const UNKNOWN_MS = 15 * SECOND_MS
const SHORT_MS = 4 * SECOND_MS

/** By `clientInfo.name`: a guess at how long it waits, never a reason to trust it (V-048). */
const HOLD_MS: ReadonlyMap<string, number> = new Map([
  ['claude-code', LONG_MS],
  ['opencode', LONG_MS],
  ['copilot-cli', LONG_MS],
  ['github-copilot-developer', LONG_MS],
  ['Visual Studio Code', LONG_MS],
  ['inspector-client', LONG_MS],
  ['codex-mcp-client', WALL_CLOCK_MS],
  ['gemini-cli-mcp-client', WALL_CLOCK_MS],
  ['cursor-vscode', WALL_CLOCK_MS],
  ['goose', WALL_CLOCK_MS],
  ['Cline', WALL_CLOCK_MS],
  ['@cline/core', WALL_CLOCK_MS],
  ['claude-ai', WALL_CLOCK_MS],
  // The default name of the Python SDK, behind which a five-second client may be.
  ['mcp', SHORT_MS],
])

/** Of what a client bore before it hung up, this much is asked of it the next time. */
const SHORTER = 0.7
const HOLD_MS_MIN = 2 * SECOND_MS
/** A client that was restarted with other limits, or whose network was bad, is trusted again. */
const REMEMBERED_MS = 3_600 * SECOND_MS
const REMEMBERED_MAX = 10_000

/** That a client hung up on a held call. */
interface HungUp {
  readonly holdMs: number
  readonly until: number
}

export const takesTasks = ({ extensions }: ClientCapabilities): boolean =>
  extensions !== undefined && Object.hasOwn(extensions, TASKS_EXTENSION)

/** How long each client is kept waiting for a slow call. */
export class Patiences {
  readonly #world: Pick<World, 'monotonic'>
  readonly #rules: WaitingRules
  /** By owner, the oldest first. */
  readonly #hungUp = new Map<string, HungUp>()

  constructor(world: Pick<World, 'monotonic'>, rules: WaitingRules) {
    this.#world = world
    this.#rules = rules
  }

  get afterMs(): number {
    return this.#rules.afterMs
  }

  holdMs(owner: string, clientInfo: JsonObject | undefined): number {
    const name = clientInfo && own(clientInfo, 'name')
    const key = typeof name === 'string' ? name : ''
    const { hold } = this.#rules
    const set = Object.hasOwn(hold, key) ? hold[key] : undefined
    return Math.min(set ?? HOLD_MS.get(key) ?? UNKNOWN_MS, this.#borneMs(owner))
  }

  #borneMs(owner: string): number {
    const last = this.#hungUp.get(owner)
    if (last && last.until > this.#world.monotonic()) return last.holdMs
    this.#hungUp.delete(owner)
    return Number.POSITIVE_INFINITY
  }

  /** A client hung up on a held call after `ms`: it is answered sooner from now on. */
  hungUp(owner: string, ms: number): void {
    const holdMs = Math.max(HOLD_MS_MIN, Math.round(ms * SHORTER))
    this.#hungUp.delete(owner)
    this.#hungUp.set(owner, { holdMs, until: this.#world.monotonic() + REMEMBERED_MS })
    const [oldest] = this.#hungUp.keys()
    if (this.#hungUp.size > REMEMBERED_MAX && oldest !== undefined) this.#hungUp.delete(oldest)
  }
}
