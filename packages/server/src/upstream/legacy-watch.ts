import { isObject, own, type JsonObject, type LogLevel } from '@countersign/contract'
import { emitGap, NO_WATCH, OWN_REQUEST_MS, type Hop } from './link.ts'
import type { Introduction, Watch } from './upstream.ts'

/** Keeps a legacy session subscribed to what is wanted of it, and to nothing else. */
export class LegacyWatch {
  readonly #hop: Hop
  readonly #introduction: Introduction
  readonly #subscribed = new Set<string>()
  #logLevel: LogLevel | undefined
  #wanted: Watch = NO_WATCH
  #waits = 0

  constructor(hop: Hop, introduction: Introduction) {
    this.#hop = hop
    this.#introduction = introduction
  }

  apply(wanted: Watch): void {
    this.#wanted = wanted
    // First the stream, so that nothing is said before somebody listens (Q-083: only while wanted).
    this.#hop.rpc.wire.listen(this.#needsStream())
    if (this.#declares('resources', 'subscribe')) this.#subscribe(wanted.resources)
    if (this.#declares('logging')) this.#setLevel(wanted.logLevel)
  }

  /**
   * Somebody waits for a task, about which the server may ask on any stream (TL-015). Returns the way
   * to say that this is over.
   */
  wait(): () => void {
    this.#waits++
    this.#hop.rpc.wire.listen(true)
    return () => {
      this.#waits--
      this.#hop.rpc.wire.listen(this.#needsStream())
    }
  }

  /** The stream for messages outside calls was away for a while. */
  gap(): void {
    emitGap(this.#hop.emit, this.#wanted)
  }

  close(): void {
    this.#wanted = NO_WATCH
  }

  #needsStream(): boolean {
    const { lists, resources, logLevel } = this.#wanted
    const announces = ['tools', 'prompts', 'resources'].some((of) =>
      this.#declares(of, 'listChanged'),
    )
    return (
      this.#waits > 0 ||
      (lists && announces) ||
      (resources.size > 0 && this.#declares('resources', 'subscribe')) ||
      (logLevel !== undefined && this.#declares('logging'))
    )
  }

  #declares(capability: string, feature?: string): boolean {
    const declared = own(this.#introduction.capabilities, capability)
    if (!isObject(declared)) return false
    return feature === undefined || own(declared, feature) === true
  }

  // The difference only (F-032).
  #subscribe(wanted: ReadonlySet<string>): void {
    for (const uri of this.#subscribed.difference(wanted)) {
      this.#subscribed.delete(uri)
      void this.#tell('resources/unsubscribe', { uri })
    }
    for (const uri of wanted.difference(this.#subscribed)) {
      this.#subscribed.add(uri)
      void this.#tell('resources/subscribe', { uri })
    }
  }

  // Session-wide, so the lowest anybody wants (P-020). It cannot be unset, only be made quiet.
  #setLevel(wanted: LogLevel | undefined): void {
    const level = wanted ?? (this.#logLevel === undefined ? undefined : 'emergency')
    if (level === undefined || level === this.#logLevel) return
    this.#logLevel = level
    void this.#tell('logging/setLevel', { level })
  }

  async #tell(method: string, params: JsonObject): Promise<void> {
    const { rpc, log, server } = this.#hop
    const answer = await rpc.request({
      id: rpc.nextId(),
      method,
      params,
      revision: this.#introduction.revision,
      timeoutMs: OWN_REQUEST_MS,
      signal: undefined,
      cancellable: true,
    })
    if (answer.kind !== 'result') log.debug({ server, method }, 'the server did not agree')
  }
}
