import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableTool } from '@countersign/sdk'
import { z } from 'zod'

export const writePages = durableTool({
  name: 'write_pages',
  title: 'Write pages',
  description: 'Writes the pages of a book into a folder, and asks whether to keep them.',
  input: z.object({ folder: z.string(), pages: z.int().min(1).max(1_000) }),
  output: z.object({ kept: z.number() }),
  effect: 'idempotent',
  async run({ folder, pages }, task) {
    await task.step('make the folder', () => mkdir(folder, { recursive: true }))
    for (let page = 1; page <= pages; page++) {
      const file = join(folder, `page-${page}.txt`)
      await task.step(`write page ${page}`, () => write(file), { undo: () => rm(file) })
      task.progress(page, pages, file)
      await task.sleep(`rest after page ${page}`, 1_000)
    }
    const answer = await task.ask('keep', {
      message: `Keep the ${pages} pages in ${folder}?`,
      schema: z.object({ keep: z.boolean() }),
    })
    if (answer.action === 'accept' && answer.value.keep) return { kept: pages }
    await task.undo()
    return { kept: 0 }
  },
})

/** Writes a page, and a line that tells how often that really happened. */
async function write(file: string): Promise<void> {
  await writeFile(file, 'Once upon a time.\n')
  await appendFile(join(file, '../written.log'), `${file}\n`)
}
