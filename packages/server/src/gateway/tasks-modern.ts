import {
  Fault,
  isObject,
  own,
  TASKS_EXTENSION,
  toDetailedTask,
  type JsonObject,
} from '@countersign/contract'
import type { Standing } from '#tasks'
import type { ModernRequest, ModernRooms, Served } from './modern.ts'
import { takesTasks } from './patience.ts'
import { projectResult, success } from './project.ts'
import { viewOf } from './task-view.ts'

type TaskMethod = 'tasks/get' | 'tasks/update' | 'tasks/cancel'
const TASK_METHODS: readonly string[] = [
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
] satisfies readonly TaskMethod[]

/** TX-025: `tasks/result` and `tasks/list` belong to the other era and do not exist here. */
export const isTaskMethod = (method: string): method is TaskMethod => TASK_METHODS.includes(method)

/** Answers one method of the tasks extension. */
export async function tasksModern(
  rooms: ModernRooms,
  modern: ModernRequest,
  method: TaskMethod,
): Promise<Served> {
  // BR-051, TX-023: whether the client may ask at all comes before whether the task exists.
  if (!takesTasks(modern.envelope.capabilities)) {
    throw new Fault('rpc/missing-capability', 'Task methods need the tasks extension.', {
      data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
    })
  }
  rooms.polls.take(modern.who.id)
  const standing = await find(rooms, modern)
  switch (method) {
    case 'tasks/get':
      return say(modern, detailed(rooms, modern, standing))
    case 'tasks/update':
      // TX-017: unknown and answered keys are ignored, whatever the task is doing.
      rooms.desk.conversation(standing.task.id)?.answer(answersOf(modern))
      return say(modern, {})
    case 'tasks/cancel':
      await cancel(rooms, modern, standing)
      return say(modern, {})
  }
}

/** TX-009: every answer here is complete, whatever the task is; TX-022: an ack says nothing more. */
const say = ({ request, envelope }: ModernRequest, said: JsonObject): Served => ({
  response: success(request.id, { ...projectResult({}, envelope.revision), ...said }),
})

async function find({ desk }: ModernRooms, { who, request }: ModernRequest): Promise<Standing> {
  const id = own(request.params ?? {}, 'taskId')
  if (typeof id !== 'string') throw new Fault('rpc/bad-params', '"taskId" must be a string.')
  const standing = await desk.find(who.id, id)
  if (standing) return standing
  // TX-024, TX-029: unknown, expired and somebody else's look the same.
  throw new Fault('task/unknown', 'There is no such task; it may have expired.')
}

function detailed(rooms: ModernRooms, modern: ModernRequest, standing: Standing): JsonObject {
  const { revision, capabilities } = modern.envelope
  if (standing.ended !== undefined) rooms.desk.delivered(standing.errand, standing.task.id)
  return toDetailedTask(viewOf(rooms.views, standing, revision, capabilities))
}

function answersOf({ request }: ModernRequest): JsonObject {
  const answers = own(request.params ?? {}, 'inputResponses')
  if (isObject(answers)) return answers
  throw new Fault('rpc/bad-params', '"inputResponses" must be an object.')
}

/** TX-019: acknowledged in every state; a task that is over, or whose outcome nobody knows, stays so. */
async function cancel(
  rooms: ModernRooms,
  { who }: ModernRequest,
  standing: Standing,
): Promise<void> {
  if (standing.ended !== undefined || standing.task.state === 'unknown') return
  try {
    await rooms.desk.cancel(standing, who.id, 'It was cancelled by its client.')
  } catch (thrown) {
    if (!(thrown instanceof Fault && thrown.code === 'task/illegal')) throw thrown
  }
}
