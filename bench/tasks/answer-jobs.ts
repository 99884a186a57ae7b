import { endWithParent } from '../listen.ts'

/** For a process of the bench: says that it is ready, and answers each job it is sent. */
// What a parent sends is of the type that the module it started declares.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function answerJobs<Job>(answer: (job: Job) => Promise<object>): void {
  process.on('message', (job: Job) => {
    void answer(job).then(
      (answered) => process.send?.(answered),
      (cause: unknown) => {
        process.send?.({ problem: cause instanceof Error ? (cause.stack ?? '') : String(cause) })
      },
    )
  })
  endWithParent()
  process.send?.({ ready: true })
}
