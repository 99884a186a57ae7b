import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { Kept } from './kept.ts'

const TIMES = { freshMs: 100, staleMs: 1_000, pauseMs: 50 }

/** A world whose clock and timers the test moves. */
function makeClock() {
  let now = 0
  const timers: { readonly at: number; readonly run: () => void }[] = []
  const world = {
    ...systemWorld,
    monotonic: () => now,
    after: (ms: number, run: () => void) => {
      timers.push({ at: now + ms, run })
      return () => undefined
    },
  }
  const later = (ms: number): void => {
    now += ms
    for (const { at, run } of timers) if (at <= now) run()
  }
  return { world, later }
}

test('many who ask at once are served by one fetch', async () => {
  const { world } = makeClock()
  let loads = 0
  const kept = new Kept(world, TIMES, async () => ++loads)
  assert.deepEqual(await Promise.all([kept.get(), kept.get(), kept.renew()]), [1, 1, 1])
  assert.equal(await kept.get(), 1)
})

test('what hangs holds nobody up who can be served with what is kept', async () => {
  const { world, later } = makeClock()
  let hangs = false
  const kept = new Kept(world, TIMES, () =>
    hangs ? new Promise<number>(() => undefined) : Promise.resolve(1),
  )
  assert.equal(await kept.get(), 1)
  hangs = true
  later(200)
  const waiting = kept.get()
  later(2_000)
  assert.equal(await waiting, 1)
})

test('what fails is not tried again at once, and what is too old is not used', async () => {
  const { world, later } = makeClock()
  let loads = 0
  let fails = false
  const kept = new Kept(world, TIMES, async () => {
    loads++
    if (fails) throw new Error(`down ${String(loads)}`)
    return loads
  })
  assert.equal(await kept.get(), 1)
  fails = true
  later(200)
  for (let at = 0; at < 5; at++) assert.equal(await kept.get(), 1)
  assert.equal(loads, 2)
  await assert.rejects(kept.renew(), /down 2/)
  later(900)
  await assert.rejects(kept.get(), /down 3/)
  fails = false
  later(60)
  assert.equal(await kept.get(), 4)
})
