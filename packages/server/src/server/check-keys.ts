import { Fault } from '@countersign/contract'
import { digestOf, hasKeyFile, keyFile, type World } from '#base'
import { textAt } from '@countersign/contract'
import { join } from 'node:path'
import type { Records } from '#store'

const KIND = 'KeyPrint'

/** Keys in files of the data folder, which every node of a database must have the same of. */
export interface KeyCabinet {
  readonly key: (name: string) => Promise<Buffer>
  /** Refuses what is not the same on all nodes, by its print. */
  readonly same: (name: string, print: string) => Promise<void>
}

export interface KeyRooms {
  readonly world: World
  readonly folder: string
  readonly records: Records
  readonly isShared: boolean
}

/** One process has its keys to itself; of many, each is held against what the first one had (ND-008). */
export function keyCabinet({ world, folder, records, isShared }: KeyRooms): KeyCabinet {
  const same = async (name: string, print: string): Promise<void> => {
    if (!isShared) return
    await records.add(KIND, name, { print })
    const kept = await records.get(KIND, name)
    if (kept && textAt(kept.value, 'print') === print) return
    throw new Fault(
      'store/unavailable',
      `${join(folder, name)} is not the key that the other nodes of this database have. Copy the folder of keys from one of them.`,
    )
  }
  const key = async (name: string): Promise<Buffer> => {
    const path = join(folder, name)
    if (isShared && !hasKeyFile(path) && (await records.get(KIND, name))) {
      throw new Fault(
        'store/unavailable',
        `${path} is not there, and the other nodes of this database have one. Copy the folder of keys from one of them.`,
      )
    }
    const read = keyFile(world, path)
    // Of 256 random bits: nobody guesses them from a digest.
    await same(name, digestOf(`countersign ${name} ${read.toString('hex')}`))
    return read
  }
  return { key, same }
}
