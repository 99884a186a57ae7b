import { soon, TIMER_MS_MAX, type World } from '../world.ts'
import type { Dispatcher, RunTask } from './dispatcher.ts'
import { Heap } from './heap.ts'

/** Dispatches within one process: a heap of times and one timer, at most `concurrency` runs. */
export function localDispatcher(world: World, concurrency = 256): Dispatcher {
  const heap = new Heap()
  let run: RunTask | undefined
  let running = 0
  let armed: { readonly at: number; readonly off: () => void } | undefined
  let isSoon = false
  const arm = (): void => {
    const { first } = heap
    if (first === undefined || !run || isSoon) return
    const ms = Math.min(TIMER_MS_MAX, first - world.now())
    // A timer counts time, not the clock: what a jump of the clock made due does not wait for it.
    if (ms > 0 && armed && armed.at <= first) return
    armed?.off()
    armed = undefined
    if (ms > 0) {
      armed = { at: first, off: world.after(ms, fire) }
      return
    }
    // What is due now does not wait for the next tick of a timer.
    isSoon = true
    soon(world, fire)
  }
  const fire = (): void => {
    armed = undefined
    isSoon = false
    work()
  }
  const one = async (then: RunTask, task: string): Promise<void> => {
    running++
    await then(task)
    running--
    work()
  }
  const work = (): void => {
    if (!run) return
    const now = world.now()
    for (let free = concurrency - running; free > 0; free--) {
      const task = heap.take(now)
      if (task === undefined) break
      void one(run, task)
    }
    if (running < concurrency) arm()
  }
  return {
    start: (then) => {
      run = then
      work()
      return Promise.resolve()
    },
    hint: (task, dueAt) => {
      heap.add(task, dueAt)
      if (running < concurrency) arm()
    },
    stop: () => {
      run = undefined
      armed?.off()
      armed = undefined
      return Promise.resolve()
    },
  }
}
