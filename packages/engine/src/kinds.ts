import type { Handler, KindOptions } from './run/types.ts'

/** A kind of task, in one version. */
export interface Kind {
  readonly handler: Handler
  readonly options: KindOptions
}

/** The handlers of one process, by kind and version. */
export class Kinds {
  readonly #versions = new Map<string, Map<string, Kind>>()
  readonly #latest = new Map<string, string>()

  /** Adds a handler; the version that is defined last is the one new tasks start with. */
  define(name: string, kind: Kind): void {
    const version = kind.options.version ?? ''
    const versions = this.#versions.get(name) ?? new Map<string, Kind>()
    versions.set(version, kind)
    this.#versions.set(name, versions)
    this.#latest.set(name, version)
  }

  /** The version that new tasks of this kind start with; undefined for an unknown kind. */
  latest(name: string): string | undefined {
    return this.#latest.get(name)
  }

  find(name: string, version: string): Kind | undefined {
    return this.#versions.get(name)?.get(version)
  }
}
