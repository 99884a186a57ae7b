import { renameSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'

/** Writes a file that is there when it is whole and on the disk, and not before. */
export async function writeWhole(
  path: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const unfinished = `${path}.unfinished`
  const file = await open(unfinished, 'w')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  if (signal?.aborted === true) await rm(unfinished)
  signal?.throwIfAborted()
  // In one go: what was cancelled meanwhile does not appear after the cleaning up.
  renameSync(unfinished, path)
}
