// One engine in a process of its own, with those who ask it for tasks.

import { answerJobs } from './answer-jobs.ts'
import { drive, type Job } from './callers.ts'
import type { Place, Subject } from './work.ts'

/** Each loaded only where it is wanted: an engine is not measured with the code of another. */
const ENGINES = {
  sqlite: async (place: Place) => (await import('./engines/countersign.ts')).openEmbedded(place),
  postgres: async (place: Place) =>
    (await import('./engines/countersign.ts')).openOnPostgres(place),
  dbos: async (place: Place) => (await import('./engines/dbos.ts')).openDbos(place),
  restate: async (place: Place) => (await import('./engines/restate.ts')).openRestate(place),
} as const satisfies Readonly<Record<string, (place: Place) => Promise<Subject>>>

export type EngineId = keyof typeof ENGINES

const [id = '', place = ''] = process.argv.slice(2)
const open = Object.entries(ENGINES).find(([name]) => name === id)?.[1]
if (!open) throw new TypeError(`there is no engine "${id}"`)
const subject = await open(JSON.parse(place))
answerJobs((job: Job) => drive(job, subject.once))
