// Holds a connection to the story for as long as it lives.

import { spawn } from 'node:child_process'
import { connect } from 'node:net'

const [port = '', manner = ''] = process.argv.slice(2)

if (manner === 'forking') {
  // Leaves its group and its parent: a daemon.
  const [node, script = ''] = process.argv
  spawn(node ?? '', [script, port, 'daemon'], { detached: true, stdio: 'ignore' }).unref()
  process.exit(0)
}
connect(Number(port), '127.0.0.1')
  .on('error', () => process.exit(1))
  .write(manner)
if (manner === 'polite') process.stdin.on('end', () => process.exit(0)).resume()
if (manner === 'stubborn') {
  process.on('SIGTERM', () => undefined)
  process.stdin.resume()
}
