import type { Json } from '@countersign/contract'
import { TaskFault } from '../fault.ts'
import { later, toMs } from '../world.ts'
import type { Call } from './calls.ts'
import { gone } from './run-faults.ts'
import type { Run } from './run.ts'
import type { AttemptContext } from './types.ts'
import { toOutcome, toText, toThrown, type Outcome } from './value.ts'

/** What a try gives when it let the task go and is to be resumed. */
export const COME_BACK: unique symbol = Symbol('come back')

/** One try of one call, as its body sees it. */
export class Tried implements AttemptContext {
  readonly key: string
  readonly number: number
  readonly #run: Run
  readonly #call: Call
  readonly #timeoutMs: number | undefined
  #abort: AbortController | undefined
  #settle: ((value: unknown) => void) | undefined
  #disarm: (() => void) | undefined
  #isOver = false

  constructor(run: Run, call: Call, key: string, timeoutMs: number | undefined) {
    this.key = key
    this.number = call.tries + 1
    this.#run = run
    this.#call = call
    this.#timeoutMs = timeoutMs
  }

  get signal(): AbortSignal {
    if (this.#timeoutMs === undefined) return this.#run.signal
    this.#abort ??= new AbortController()
    return AbortSignal.any([this.#run.signal, this.#abort.signal])
  }

  async dispatched(): Promise<void> {
    const { pen } = this.#run
    // A process that was halted since may have lost its lease: then somebody else decides.
    this.#check((await pen.write(this.#call, 'left', 'null')) && (await this.#run.holds()))
  }

  async handle(value: Json): Promise<void> {
    const text = toText(value, this.#run.host.limits.valueBytesMax, 'task/value-too-large')
    if (this.#run.isEnded) await this.#run.pen.late(this.#call, `{"kind":"handle","value":${text}}`)
    this.#check(!this.#run.isEnded && (await this.#run.pen.write(this.#call, 'handle', text)))
  }

  async later(ms: number): Promise<never> {
    if (!this.#call.handle || !this.#settle) {
      throw new TypeError('Only an attempt with a handle can come back later.')
    }
    const until = this.#run.host.world.now() + toMs('ms', ms)
    this.#disarm?.()
    await this.#run.park({ until })
    this.#settle(COME_BACK)
    return new Promise<never>(() => undefined)
  }

  /** Runs `body` until it is done, comes back later, or its time is up. */
  race(body: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#settle = resolve
      if (this.#timeoutMs !== undefined) {
        const ms = toMs('timeoutMs', this.#timeoutMs)
        this.#disarm = later(this.#run.host.world, ms, () => {
          const fault = new TaskFault('attempt/timeout', `It took longer than ${String(ms)} ms.`)
          this.#isOver = true
          this.#abort?.abort(fault)
          reject(fault)
        })
      }
      void this.#work(body, resolve, reject)
    })
  }

  async #work(
    body: () => unknown,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    try {
      const value = await body()
      if (this.#isOver) await this.#late(toOutcome(value, this.#run.host.limits.valueBytesMax))
      else resolve(value)
    } catch (error) {
      if (this.#isOver) await this.#late(toThrown(error))
      else reject(error)
    } finally {
      this.#disarm?.()
    }
  }

  async #late({ kind, text }: Outcome): Promise<void> {
    await this.#run.pen.late(this.#call, `{"kind":"${kind}","value":${text}}`)
  }

  #check(isWritten: boolean): void {
    if (isWritten) return
    this.#run.lose()
    throw gone()
  }
}
