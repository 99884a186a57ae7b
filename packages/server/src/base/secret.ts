import { inspect } from 'node:util'

/** A value that is read on purpose or not at all: logs, traces and JSON see only that it exists. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toJSON(): string {
    return '[secret]'
  }
  toString(): string {
    return '[secret]'
  }
  [inspect.custom](): string {
    return '[secret]'
  }
}
