import { createInterface } from 'node:readline'
import { answerModern, makeShelf } from './modern-tasks-server.ts'

const shelf = makeShelf()
for await (const line of createInterface({ input: process.stdin })) {
  const said = answerModern(shelf, JSON.parse(line))
  if (said) process.stdout.write(`${JSON.stringify(said)}\n`)
}
