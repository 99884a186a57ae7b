const BAR_CHARS = 24

/**
 * One line that says how far a long run is; a line for each step where no terminal is watching. On
 * standard error: standard output is for what was found out.
 */
export interface Progress {
  readonly step: (words: string) => void
  readonly end: () => void
}

export function startProgress(steps: number): Progress {
  const { isTTY, columns } = process.stderr
  let done = 0
  return {
    step: (words) => {
      done++
      const share = Math.min(1, done / steps)
      const filled = Math.round(share * BAR_CHARS)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_CHARS - filled)}`
      const line = `${bar} ${String(Math.round(share * 100)).padStart(3)}%  ${words}`
      process.stderr.write(isTTY ? `\r\u001b[2K${line.slice(0, columns - 1)}` : `${line}\n`)
    },
    end: () => {
      if (isTTY) process.stderr.write('\r\u001b[2K')
    },
  }
}
