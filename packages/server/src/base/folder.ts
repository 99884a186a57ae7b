import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from './world.ts'

interface TextFile {
  readonly name: string
  readonly text: string
}

export type TextsRead =
  | { readonly ok: true; readonly files: readonly TextFile[] }
  | { readonly ok: false; readonly problem: string }

/** Which files of a folder, and how much of them. */
export interface TextsWanted {
  readonly ending: string
  readonly filesMax: number
  /** Of all files together. */
  readonly bytesMax: number
}

/** The files of a folder with one ending, by name. Not those of folders in it, nor hidden ones. */
export function readTexts(folder: string, wanted: TextsWanted): TextsRead {
  try {
    const names = namesIn(folder, wanted)
    if (names.length > wanted.filesMax) {
      return { ok: false, problem: `${folder} has more than ${String(wanted.filesMax)} files.` }
    }
    let bytes = 0
    const files: TextFile[] = []
    for (const name of names) {
      const path = join(folder, name)
      const { size } = statSync(path)
      bytes += size
      if (bytes > wanted.bytesMax) {
        return { ok: false, problem: `${folder} has more than ${String(wanted.bytesMax)} bytes.` }
      }
      files.push({ name, text: decoded(readFileSync(path)) })
    }
    return { ok: true, files }
  } catch (thrown) {
    return { ok: false, problem: `${folder} cannot be read: ${reasonOf(thrown)}.` }
  }
}

function decoded(content: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(content)
}

const namesIn = (folder: string, { ending }: TextsWanted): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending) && !name.startsWith('.'))
    .toSorted()

const reasonOf = (thrown: unknown): string => {
  if (thrown instanceof TypeError) return 'a file is not UTF-8'
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'no reason given'
}

/** How often a folder is looked at. */
const LOOK_MS = 500

/**
 * Tells of a folder once, and again when its files have changed and two looks agree: whoever writes a
 * file may not be done. Looking works where being told does not: mounts, volumes, replaced links.
 */
export function watchFolder(
  world: World,
  folder: string,
  wanted: TextsWanted,
  then: (read: TextsRead) => Promise<void>,
): () => void {
  let told: string | undefined
  let last: string | undefined
  let isOver = false
  const look = async (): Promise<void> => {
    const seen = stampOf(folder, wanted)
    const isSettled = seen === last
    last = seen
    if (isSettled && seen !== told) {
      told = seen
      await then(readTexts(folder, wanted))
    }
  }
  const again = (): (() => void) =>
    world.after(LOOK_MS, () => {
      void look().finally(() => {
        if (!isOver) stop = again()
      })
    })
  let stop = again()
  return () => {
    isOver = true
    stop()
  }
}

/** Differs when a file was written, replaced, added or taken away. */
function stampOf(folder: string, wanted: TextsWanted): string {
  try {
    const stamps = namesIn(folder, wanted).map((name) => {
      const { size, mtimeMs, ctimeMs, ino } = statSync(join(folder, name))
      return [name, size, mtimeMs, ctimeMs, ino]
    })
    return JSON.stringify(stamps)
  } catch (thrown) {
    return reasonOf(thrown)
  }
}
