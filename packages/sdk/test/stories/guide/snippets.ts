/** The code of docs/writing-durable-tools.md that is not in the template, where it runs. */
import { z } from 'zod'
import { durableTool } from '../../../src/index.ts'

/** A bank that remembers what it was asked to do. */
export const bank = {
  charges: new Map<string, { id: string; amount: number }>(),
  refunded: [] as string[],
  charge(key: string, amount: number) {
    const charged = { id: `charge-${String(this.charges.size + 1)}`, amount }
    this.charges.set(key, charged)
    return charged
  },
  find(key: string) {
    const result = this.charges.get(key)
    return result ? ({ happened: true, result } as const) : ({ happened: false } as const)
  },
  refund(id: string) {
    this.refunded.push(id)
  },
}

/** How often the rates were asked for: the first two times nobody answers. */
export const asked: number[] = []
const fetchRates = (signal: AbortSignal): number => {
  asked.push(asked.length)
  if (asked.length < 3) throw new Error('503')
  return signal.aborted ? 0 : 2
}

export const pay = durableTool({
  name: 'pay',
  description: 'Charges what it costs today.',
  input: z.object({ amount: z.number() }),
  output: z.object({ id: z.string(), amount: z.number() }),
  effect: 'write',
  async run({ amount: dollars }, task) {
    const rates = await task.step('rates', ({ signal }) => fetchRates(signal), {
      retry: { tries: 5, firstMs: 1_000 },
      timeoutMs: 10_000,
    })
    const amount = dollars * rates
    const receipt = await task.step('charge', ({ key }) => bank.charge(key, amount), {
      effect: 'write',
      reconcile: ({ key }) => bank.find(key),
      undo: (charged) => bank.refund(charged.id),
    })
    return receipt
  },
})

export const mail = durableTool({
  name: 'mail',
  description: 'Sends a mail, once somebody has signed in.',
  input: z.object({ to: z.string() }),
  output: z.object({ sent: z.string() }),
  effect: 'write',
  async run({ to }, task) {
    const signInUrl = 'https://example.com/sign-in'
    const visit = await task.ask('sign in', { message: 'Please sign in.', url: signInUrl })
    if (visit.action !== 'accept') return { sent: 'nothing' }
    return { sent: `mailed ${to}` }
  },
})

export const order = durableTool({
  name: 'order',
  description: 'Pays and tells.',
  input: z.object({ amount: z.number() }),
  output: z.object({ paid: z.number(), told: z.string() }),
  effect: 'write',
  children: [pay, mail],
  async run({ amount }, task) {
    const [paid, mailed] = await Promise.all([
      task.child('pay', pay, { amount }),
      task.child('mail', mail, { to: 'ada@example.com' }),
    ])
    if (mailed.sent === 'nothing') await task.undo()
    return { paid: paid.amount, told: mailed.sent }
  },
})

const shared = {
  name: 'greet',
  description: 'Greets.',
  input: z.object({ name: z.string() }),
  effect: 'read',
} as const

export const greetV1 = durableTool({
  ...shared,
  async run({ name }, task) {
    await task.step('think', () => undefined)
    return `Hello, ${name}`
  },
})

export const greet = durableTool({
  ...shared,
  version: '2',
  previous: [greetV1],
  async run({ name }, task) {
    const hour = await task.step('look at the clock', () => 9)
    return `Good ${hour < 12 ? 'morning' : 'day'}, ${name}`
  },
})
