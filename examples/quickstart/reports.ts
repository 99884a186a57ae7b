/**
 * An MCP server of our own, over stdio, with one slow tool: a report in ten sections that takes its
 * time. Each section is a recorded step, so a process that is killed goes on where it was.
 */
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { durableTool, serve, tool } from '@countersign/sdk'
import { z } from 'zod'
import { SECTIONS, type Text } from './report.ts'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: join(import.meta.dirname, 'files') },
    data: { type: 'string', default: join(import.meta.dirname, '.countersign', 'reports') },
    'pause-ms': { type: 'string', default: '2000' },
  },
})
const pauseMs = Number(values['pause-ms'])
const report = join(values.data, 'report.md')
await mkdir(values.data, { recursive: true })

async function readTexts(): Promise<Text[]> {
  const names = await readdir(values.files)
  return Promise.all(
    names
      .toSorted()
      .map(async (name) => ({ name, text: await readFile(join(values.files, name), 'utf8') })),
  )
}

const buildReport = durableTool({
  name: 'build_report',
  title: 'Build a report',
  description: `Writes a report about the sample files, in ${String(SECTIONS.length)} sections. Takes about ${String((SECTIONS.length * pauseMs) / 1_000)} seconds.`,
  input: z.object({ title: z.string().default('The sample files') }),
  output: z.object({ path: z.string(), sections: z.int(), processes: z.int() }),
  effect: 'idempotent',
  async run({ title }, task) {
    const sections: { readonly pid: number; readonly text: string }[] = []
    for (const [at, section] of SECTIONS.entries()) {
      task.progress(at, SECTIONS.length, section.title)
      const written = await task.step(section.title, async () => {
        // Shows whoever looks that no section is written twice.
        await appendFile(join(values.data, 'steps.log'), `${task.id} ${section.title}\n`)
        return { pid: process.pid, text: section.write(await readTexts()) }
      })
      sections.push(written)
      task.progress(at + 1, SECTIONS.length, section.title)
      await task.sleep(`after ${section.title}`, pauseMs)
    }
    const parts = sections.map(
      ({ pid, text }, at) =>
        `## ${String(SECTIONS[at]?.title)}\n\n${text}\n\n(written by process ${String(pid)})\n`,
    )
    await task.step('write', () => writeFile(report, [`# ${title}\n`, ...parts].join('\n')))
    const processes = new Set(sections.map(({ pid }) => pid)).size
    return { path: report, sections: sections.length, processes }
  },
})

const readReport = tool({
  name: 'read_report',
  description: 'Gives the report that build_report wrote last.',
  input: z.object({}),
  effect: 'read',
  run: () => readFile(report, 'utf8'),
})

await serve([buildReport, readReport], {
  name: 'reports',
  version: '0.1.0',
  data: join(values.data, 'tasks'),
})
