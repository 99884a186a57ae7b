/** The secrets found on the way, by the names under which our file speaks of them. */
export interface Vault {
  /** A name for the value: the wanted one, or with a number when that means something else already. */
  readonly keep: (wanted: string, value: string) => string
  readonly holds: (name: string) => boolean
  readonly values: () => ReadonlyMap<string, string>
}

/**
 * Starts with what an earlier run kept, so that the same secret has the same name again. A name
 * that means something else in the environment is avoided: the environment would win.
 */
export function makeVault(
  kept: ReadonlyMap<string, string>,
  env: (name: string) => string | undefined,
): Vault {
  const values = new Map(kept)
  return {
    keep: (wanted, value) => {
      for (let number = 1; ; number += 1) {
        const name = number === 1 ? wanted : `${wanted}_${number}`
        const known = values.get(name)
        if (known === value) return name
        const elsewhere = env(name)
        if (known !== undefined || (elsewhere !== undefined && elsewhere !== value)) continue
        values.set(name, value)
        return name
      }
    },
    holds: (name) => values.has(name),
    values: () => values,
  }
}
