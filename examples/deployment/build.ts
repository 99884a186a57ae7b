/** A release: a folder with the program and its settings, named for what is in it. */
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

export const settingsSchema = z.object({
  version: z.string().regex(/^[0-9a-z.]{1,20}$/),
  greeting: z.string().max(200).default('Hello'),
  defect: z
    .enum(['none', 'unhealthy', 'unwell-in-traffic'])
    .default('none')
    .describe('Breaks the release on purpose, to see it taken back.'),
})
export type Settings = z.output<typeof settingsSchema>

const PROGRAM = join(import.meta.dirname, 'app.ts')

/** Builds a release and returns its name. Built twice it is the same release. */
export async function build(folder: string, settings: Settings): Promise<string> {
  const text = JSON.stringify(settings)
  const digest = createHash('sha256')
    .update(await readFile(PROGRAM))
    .update(text)
    .digest('hex')
  const release = `${settings.version}-${digest.slice(0, 8)}`
  const place = join(folder, 'releases', release)
  await mkdir(place, { recursive: true })
  await cp(PROGRAM, join(place, 'app.ts'))
  await writeFile(join(place, 'package.json'), '{"type": "module"}')
  await writeFile(join(place, 'release.json'), text)
  return release
}

export const remove = (folder: string, release: string): Promise<void> =>
  rm(join(folder, 'releases', release), { recursive: true, force: true })
