import type { Child, World } from '#base'

/**
 * Sees to it that no process started here outlives us, even when we are killed without a word.
 *
 * On Linux it finds every descendant, on macOS those of the process groups and those whose
 * environment `ps` may show. On Windows it does nothing: children end when their pipes close.
 */
export interface Keeper {
  /** The marker that every child must carry in its environment. Starts the keeper. */
  readonly marker: () => Readonly<Record<string, string>>
  /** `pid` leads a process group of ours. */
  readonly adopt: (pid: number) => void
  /** The group is gone. */
  readonly release: (pid: number) => void
  /** Ends the keeper, and with it whatever is still kept. */
  readonly close: () => Promise<void>
}

const MARKER = 'COUNTERSIGN_KEEPER'
const CLOSE_MS = 3_000

/**
 * Reads `+group` and `-group` until its standard input ends, which it does whichever way we die.
 * Then it kills the groups, and by the marker whoever left them or was started in between. The
 * marker comes by standard input, so that the keeper's own environment and arguments lack it.
 */
const SCRIPT = `
exec >/dev/null 2>&1
trap '' HUP INT QUIT TERM PIPE
read -r marker || exit 0
groups=' '
while read -r line; do
  group=\${line#?}
  case $line in
    +[0-9]*) groups="$groups$group " ;;
    -[0-9]*)
      case $groups in
        *" $group "*) groups="\${groups%% "$group" *} \${groups#* "$group" }" ;;
      esac ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
kill_marked() {
  if [ -r /proc/self/environ ]; then
    for file in $(grep -lsF "$marker" /proc/[0-9]*/environ); do
      pid=\${file#/proc/}
      kill -9 "\${pid%/environ}" && found=1
    done
  else
    for pid in $(ps axeww -o pid= -o command= | while read -r pid rest; do
      case $rest in *"$marker"*) echo "$pid" ;; esac
    done); do kill -9 "$pid" && found=1; done
  fi
}
round=0
while [ $round -lt 20 ]; do
  round=$((round + 1))
  found=
  kill_marked
  [ -n "$found" ] || exit 0
done
`

export function startKeeper(world: World): Keeper {
  if (world.platform === 'win32') return NO_KEEPER
  const groups = new Set<number>()
  const nonce = world.random(16).toString('hex')
  let shell: Child | undefined
  let over = false

  const start = (): Child => {
    if (shell) return shell
    const started = spawnShell(world)
    shell = started
    started.once('exit', () => {
      if (shell === started) shell = undefined // The next child starts another one.
    })
    started.stdin.write(
      [`${MARKER}=${nonce}`, ...[...groups].map((pid) => `+${pid}`), ''].join('\n'),
    )
    return started
  }

  return {
    marker: () => {
      if (!over) start()
      return { [MARKER]: nonce }
    },
    adopt: (pid) => {
      if (over) return
      const running = shell
      groups.add(pid)
      if (running) running.stdin.write(`+${pid}\n`)
      else start()
    },
    release: (pid) => {
      if (groups.delete(pid)) shell?.stdin.write(`-${pid}\n`)
    },
    close: async () => {
      over = true
      const running = shell
      if (!running) return
      await new Promise<void>((resolve) => {
        const giveUp = world.after(CLOSE_MS, resolve)
        running.once('exit', () => {
          giveUp()
          resolve()
        })
        running.ref() // So far it must not keep us alive; now it is waited for.
        running.stdin.end()
      })
    },
  }
}

function spawnShell(world: World): Child {
  const shell = world.spawn({
    command: '/bin/sh',
    args: ['-c', SCRIPT, 'countersign-keeper'],
    env: { PATH: world.env('PATH') ?? '/usr/bin:/bin' },
    group: true, // A session of its own: what the terminal tells us, such as ^C, is not for it.
  })
  shell.on('error', ignore)
  shell.stdin.on('error', ignore)
  shell.stdout.destroy()
  shell.stderr.destroy()
  shell.unref()
  return shell
}

const ignore = (): void => undefined

const NO_KEEPER: Keeper = {
  marker: () => ({}),
  adopt: ignore,
  release: ignore,
  close: async () => undefined,
}
