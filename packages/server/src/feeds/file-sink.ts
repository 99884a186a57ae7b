import { Fault, isObject, own, type Json } from '@countersign/contract'
import { openLineFile, type LineFile } from '#base'
import type { Format } from './event.ts'
import { objectAt } from './about.ts'
import type { Filter } from './filter.ts'
import type { Sink } from './forward.ts'
import type { Renderer } from './render.ts'

/** A file of JSON lines, for a program that ships logs. */
export interface FileSpec {
  readonly path: string
  readonly format: Format
  readonly kinds: readonly string[] | undefined
  readonly from: 'now' | 'start'
}

interface Opened {
  readonly file: LineFile
  /** Of its last whole line; 0 when there is none. */
  readonly place: number
  readonly isTorn: boolean
}

/** So many lines are on the disk together. */
const BATCH_MAX = 500

/**
 * EV-021. Each line says its place in the ledger, so the file itself knows where to go on: after a crash nothing
 * is missing and nothing stands there twice. One that was moved away is begun anew, where it ended.
 */
export function fileSink(
  { path, format, kinds, from }: FileSpec,
  { renderer, head }: { readonly renderer: Renderer; readonly head: () => Promise<number> },
): Sink {
  const filter: Filter = { kinds }
  let file: LineFile | undefined
  const reopen = async (): Promise<Opened> => {
    await file?.[Symbol.asyncDispose]()
    file = undefined
    const opened = await openLineFile(path)
    file = opened
    const place = placeOf(opened, path)
    await opened.mend()
    return { file: opened, place, isTorn: opened.torn !== undefined }
  }
  return {
    name: `file ${path}`,
    filter,
    from,
    batchMax: BATCH_MAX,
    keepMs: 0,
    begin: async (place) => {
      const opened = await reopen()
      if (opened.place > (await head())) throw notOurs(path, 'events of another ledger')
      // What a torn line said is lost, whatever was thought to be there.
      return opened.isTorn && opened.place > 0 ? opened.place : Math.max(place, opened.place)
    },
    take: async (parcels) => {
      const current = file && (await file.isThere()) ? file : (await reopen()).file
      const lines = parcels.map(({ event, about }) =>
        JSON.stringify(renderer.render(format, event, about)),
      )
      await current.append(`${lines.join('\n')}\n`)
    },
    close: async () => {
      await file?.[Symbol.asyncDispose]()
    },
  }
}

/** The place of the last whole line. @throws Fault for a file that somebody else writes. */
function placeOf({ last, torn }: LineFile, path: string): number {
  if (last === undefined && (torn === undefined || torn.startsWith('{'))) return 0
  const place = last === undefined ? undefined : placeIn(last)
  if (place !== undefined) return place
  throw notOurs(path, 'something else than events of ours')
}

const notOurs = (path: string, what: string): Fault =>
  new Fault('store/unavailable', `${path} holds ${what}: nothing is written into it. Move it away.`)

function placeIn(line: string): number | undefined {
  let read: Json
  try {
    read = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isObject(read)) return undefined
  const place =
    own(read, 'seq') ?? own(read, 'sequence') ?? own(objectAt(read, 'metadata'), 'sequence')
  const number = Number(place)
  return place !== undefined && Number.isSafeInteger(number) ? number : undefined
}
