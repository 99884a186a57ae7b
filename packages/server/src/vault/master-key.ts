import { Fault } from '@countersign/contract'
import { keyFile, makeSeal, type Seal, type World } from '#base'
import type { Source, VaultSettings } from './settings.ts'
import { nameOf, readSource } from './source.ts'

const KEY_BYTES = 32

/** The seal of the vault: its first key wraps, each of them unwraps. */
export async function openMaster(world: World, { key, previous }: VaultSettings): Promise<Seal> {
  const first = await readKey(world, key)
  const others: Buffer[] = []
  for (const source of previous) others.push(await readKey(world, source))
  return makeSeal(world, [first, ...others])
}

async function readKey(world: World, source: Source): Promise<Buffer> {
  if ('file' in source) return keyFile(world, source.file)
  const key = Buffer.from(await readSource(world, source), 'base64url')
  if (key.length === KEY_BYTES) return key
  // What is wrong with a key is said without the key.
  throw new Fault(
    'config/invalid',
    `${nameOf(source)} does not hold a key of the vault: 32 random bytes in base64. Make one with: openssl rand -base64 32`,
  )
}
