const BAR_CHARS = 24

/** One line that says how far a long run is; a line for each step where no terminal is watching. */
export interface Progress {
  readonly step: (words: string) => void
  readonly end: () => void
}

export function startProgress(steps: number): Progress {
  const { isTTY, columns } = process.stdout
  let done = 0
  return {
    step: (words) => {
      done++
      const share = Math.min(1, done / steps)
      const filled = Math.round(share * BAR_CHARS)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_CHARS - filled)}`
      const line = `${bar} ${String(Math.round(share * 100)).padStart(3)}%  ${words}`
      process.stdout.write(isTTY ? `\r\u001b[2K${line.slice(0, columns - 1)}` : `${line}\n`)
    },
    end: () => {
      if (isTTY) process.stdout.write('\r\u001b[2K')
    },
  }
}
