import type { World } from '#base'
import type { UpstreamEvent } from './upstream.ts'

/** Changes of one thing that follow each other faster are one change (L-017). */
const QUIET_MS = 200
/** Things that may be changing at once; a server that names more is not listened to. */
const KEYS_MAX = 1_000

/** Passes the first change of a thing on at once, and those that follow closely as one. */
export function coalesce(
  world: World,
  emit: (event: UpstreamEvent) => void,
): (event: UpstreamEvent) => void {
  const repeated = new Map<string, boolean>()
  const quieten = (key: string, event: UpstreamEvent): void => {
    repeated.set(key, false)
    world.after(QUIET_MS, () => {
      const again = repeated.get(key)
      repeated.delete(key)
      if (!again) return
      emit(event)
      quieten(key, event)
    })
  }
  return (event) => {
    const key = keyOf(event)
    if (key === undefined) emit(event)
    else if (repeated.has(key)) repeated.set(key, true)
    else if (repeated.size < KEYS_MAX) {
      emit(event)
      quieten(key, event)
    }
  }
}

function keyOf(event: UpstreamEvent): string | undefined {
  switch (event.kind) {
    case 'list-changed':
      return `list ${event.list}`
    case 'resource-updated':
      return `resource ${event.uri}`
    case 'task':
      return `task ${event.id}`
    case 'log':
    case 'state':
      return undefined
  }
}
