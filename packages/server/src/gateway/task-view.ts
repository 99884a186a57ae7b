import {
  missingCapability,
  RPC,
  type ClientCapabilities,
  type Revision,
  type RpcError,
  type TaskEnd,
  type TaskView,
} from '@countersign/contract'
import type { Views } from '#registry'
import { waitingInLine, type Standing } from '#tasks'
import { answer, withReceipt } from './answer.ts'
import { answeredOf } from './carry.ts'
import { ownQuestion } from './elicitation.ts'
import { unknownOutcome } from './words.ts'

/** A deferred call as a task of one revision: its end is what a plain request would have been answered. */
export function viewOf(
  views: Views,
  standing: Standing,
  revision: Revision,
  capabilities: ClientCapabilities,
): TaskView {
  const { task, inputs } = standing
  return {
    id: task.id,
    message: messageOf(standing),
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
    ttlMs: task.expiresAt - task.createdAt,
    pollMs: pollMsOf(standing),
    inputs: questionsFor(capabilities, inputs),
    end: endOf(views, standing, revision, capabilities),
  }
}

/** I-004: who looks is asked what they declared that they can be asked, and nothing else. */
const questionsFor = (
  capabilities: ClientCapabilities,
  inputs: Standing['inputs'],
): TaskView['inputs'] =>
  Object.fromEntries(
    Object.entries(inputs)
      .filter(([, question]) => missingCapability(question, capabilities) === undefined)
      .map(([key, { method, params }]) => [
        key,
        { method, ...(params ? { params: ownQuestion(params) } : {}) },
      ]),
  )

/** Clients are asked to come back less often the longer a task takes. */
const POLL_MS_MIN = 1_000
const POLL_MS_MAX = 10_000
const POLL_PART = 20

function pollMsOf({ task }: Standing): number {
  const aliveMs = Math.max(0, task.updatedAt - task.createdAt)
  return Math.round(Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, aliveMs / POLL_PART)))
}

function messageOf(standing: Standing): string | undefined {
  const { task, inputs, waiting } = standing
  // The text for models says it in its first line.
  if (task.state === 'unknown') return unknownOutcome(standing).split('\n', 1)[0]
  if (waiting) return waitingInLine(waiting)
  if (Object.keys(inputs).length > 0) return 'It waits for an answer.'
  const { progress, status } = task
  if (!progress) return status
  const { done, total, message } = progress
  const part = total === undefined ? String(done) : `${String(done)} of ${String(total)}`
  return message === undefined ? (status ?? part) : `${message} (${part})`
}

function endOf(
  views: Views,
  { errand, ended, task }: Standing,
  revision: Revision,
  capabilities: ClientCapabilities,
): TaskEnd | undefined {
  if (ended === undefined) return undefined
  if (ended === 'cancelled') return { kind: 'cancelled' }
  if (ended.kind === 'refused' && ended.fault.code === 'task/failed') {
    return { kind: 'error', error: failed(ended.fault.message, task.id) }
  }
  const said = answer(answeredOf(views, errand), withReceipt(ended, errand), revision, capabilities)
  return said.kind === 'result'
    ? { kind: 'result', result: said.result }
    : { kind: 'error', error: said.error }
}

const failed = (message: string, taskId: string): RpcError => ({
  code: RPC.internal,
  message,
  data: { taskId },
})
