import type { Line } from './words.ts'

/** How far something is: of how much, if anybody knows. */
interface Part {
  readonly done: number
  readonly total: number | undefined
}

const BAR_CHARS = 20
const PARTS = /(\d{1,9}) ?(?:of|\/) ?(\d{1,9})/
const PERCENT = /(\d{1,3})(?:\.\d+)? ?%/

/** How far a task is; where its server said so only in words, what the words say. */
export function partOf({ progress, status }: Pick<Line, 'progress' | 'status'>): Part | undefined {
  if (progress) return { done: progress.done, total: progress.total }
  if (status === undefined) return undefined
  const [, done, total] = PARTS.exec(status) ?? []
  if (done !== undefined && total !== undefined) return { done: Number(done), total: Number(total) }
  const percent = PERCENT.exec(status)?.[1]
  return percent === undefined ? undefined : { done: Number(percent), total: 100 }
}

/** `4 of 10`, or how much was done where nobody knows of how much. */
export function inNumbers(part: Part | undefined): string {
  if (!part) return ''
  const { done, total } = part
  return total === undefined ? String(done) : `${String(done)} of ${String(total)}`
}

/** `████████░░░░░░░░░░░░  4 of 10` */
export function bar(part: Part | undefined): string {
  if (part?.total === undefined || part.total <= 0) return inNumbers(part)
  const full = Math.round(Math.min(1, Math.max(0, part.done / part.total)) * BAR_CHARS)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)}  ${inNumbers(part)}`
}
