// `npm run bench -- <name>`: how fast, answered with numbers.

interface Bench {
  readonly summary: string
  /** Loaded when it is asked for: resolves with the exit code. */
  readonly run: (argv: readonly string[]) => Promise<number>
}

const BENCHES: Readonly<Record<string, Bench>> = {
  call: {
    summary: 'governed calls beside a bare Node proxy and the upstream itself; start-up; memory',
    run: async (argv) => (await import('./call/command.ts')).run(argv),
  },
  tasks: {
    summary: 'durable tasks beside DBOS, Restate and the disk itself; recovery; waiting; over HTTP',
    run: async (argv) => (await import('./tasks/command.ts')).run(argv),
  },
  ledger: {
    summary: 'entries beside rows of the bare store; proofs over 10 million entries; verification',
    run: async (argv) => (await import('./ledger/command.ts')).run(argv),
  },
  policy: {
    summary: 'lists and calls under 5, 50 and 500 policies',
    run: async () => (await import('./policy.ts')).run(),
  },
}

function help(): string {
  const width = Math.max(...Object.keys(BENCHES).map((name) => name.length))
  const lines = Object.entries(BENCHES).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  )
  return `What fast means, measured side by side in one run, as ratios.

  npm run bench -- <name> [options]

${lines.join('\n')}

  npm run bench -- <name> --help   what one takes

Reports are written to bench/reports/.
`
}

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(help())
    return 0
  }
  const bench = name !== undefined && Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
  if (bench) return bench.run(rest)
  const wrong = name === undefined ? 'Name a bench.' : `There is no bench "${name}".`
  process.stderr.write(`${wrong}\n\n${help()}`)
  return 2
}

process.exitCode = await main(process.argv.slice(2))
