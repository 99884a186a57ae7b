import { message, type Running } from '../processes.ts'

/** A task that was done wrongly: then nothing that was measured means anything. */
export class WrongTask extends Error {
  override readonly name = 'WrongTask'
}

interface Problem {
  readonly problem: string
}

/** Sends a job to a process that answers jobs. @throws WrongTask with what it says went wrong. */
export async function ask<Answer extends object>(
  running: Running,
  title: string,
  job: object,
): Promise<Answer> {
  const answered = message<Answer | Problem>(running)
  running.child.send(job)
  const answer = await answered
  if ('problem' in answer) throw new WrongTask(`${title}: ${answer.problem}`)
  return answer
}
