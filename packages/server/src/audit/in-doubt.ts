/** The connection broke in the middle of a write: it may stand, or not. */
export class InDoubt extends Error {
  /** Settles once the store answers again: whether the write stands. */
  readonly stood: Promise<boolean>

  constructor(cause: unknown, stood: Promise<boolean>) {
    super('nobody knows whether this was written', { cause })
    this.stood = stood
  }
}
