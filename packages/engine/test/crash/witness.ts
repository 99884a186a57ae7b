/** A process of its own that counts what really happened: it lives while workers die. */
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { argv } from 'node:process'

const counts = new Map<string, number>()

const answer = (line: string): unknown => {
  const [verb, key = ''] = line.split(' ', 2)
  if (verb === 'do') counts.set(key, (counts.get(key) ?? 0) + 1)
  return verb === 'all' ? Object.fromEntries(counts) : (counts.get(key) ?? 0)
}

const server = createServer((socket) => {
  socket.on('error', () => undefined)
  const lines = createInterface({ input: socket })
  // Workers are killed in the middle of a sentence.
  lines.on('error', () => undefined)
  lines.on('line', (line) => {
    socket.write(`${JSON.stringify(answer(line))}\n`)
  })
})
server.listen(argv[2], () => {
  console.log('READY')
})
