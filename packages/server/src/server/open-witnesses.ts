import { foldNotes, keyPair } from '#audit'
import { makeSafeFetch } from '#auth'
import type { Config } from '#config'
import { openWitnesses, openWitnessing, type Witnesses, type Witnessing } from '#witness'
import type { Foundation } from './foundation.ts'

/** Refusals of those who show us their ledgers, in a minute. */
const NOTES_MAX = 30

export interface HouseWitnesses {
  /** Who keeps our checkpoints. */
  readonly witnesses: Witnesses
  /** Whose checkpoints we keep; undefined for nobody's. */
  readonly witnessing: Witnessing | undefined
}

export async function openHouseWitnesses(
  { ledger: { witnesses, witnessFor } }: Config,
  foundation: Foundation,
): Promise<HouseWitnesses> {
  const { world, ledger } = foundation
  const safeFetch = makeSafeFetch(world)
  const showing = openWitnesses({ ...foundation, safeFetch }, witnesses)
  const notes = foldNotes(world, ledger, NOTES_MAX)
  return {
    witnesses: {
      ...showing,
      close: async () => {
        await showing.close()
        await safeFetch.close()
        await notes.close()
      },
    },
    // The key is made when it is wanted first, and is another than the one of our own ledger.
    witnessing:
      witnessFor.length === 0
        ? undefined
        : openWitnessing(
            {
              ...foundation,
              notes,
              pair: keyPair(await foundation.keys.key('witness.key')),
            },
            witnessFor,
          ),
  }
}
