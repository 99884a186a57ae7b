/** Ctrl-C as a signal that is heard, instead of the end of the program. */
export function hearInterrupt(): Disposable & { readonly signal: AbortSignal } {
  const interrupted = new AbortController()
  const hear = (): void => {
    interrupted.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, hear)
  return {
    signal: interrupted.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, hear)
    },
  }
}
