import type { World } from '#base'

const UNIX = 'HOME LANG LC_ALL LC_CTYPE LOGNAME PATH SHELL TERM TMPDIR TZ USER'.split(' ')
const WINDOWS = (
  'APPDATA COMSPEC HOMEDRIVE HOMEPATH LOCALAPPDATA PATH PATHEXT PROCESSOR_ARCHITECTURE ' +
  'PROGRAMFILES SYSTEMDRIVE SYSTEMROOT TEMP TMP USERNAME USERPROFILE'
).split(' ')

/**
 * What a child inherits unasked: what programs need to run at all, and nothing that could be a
 * credential of ours. The same list as the official SDK's, and the locale.
 */
export function inheritedEnv(world: World): Readonly<Record<string, string>> {
  const names = world.platform === 'win32' ? WINDOWS : UNIX
  const env: Record<string, string> = {}
  for (const name of names) {
    const value = world.env(name)
    // Exported shell functions begin so; to some shells they are code.
    if (value !== undefined && !value.startsWith('()')) env[name] = value
  }
  return env
}
