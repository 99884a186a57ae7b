import { join } from 'node:path'
import type { PathPattern, Place } from './client.ts'

const START = /^(?:(~|\{config\}|\{xdg\}|\{project\})|\{([A-Z_]+):-([^}]+)\})(?=\/|$)/

/** The file a pattern names here, or undefined where the client keeps none on this platform. */
export function pathOf(pattern: PathPattern, place: Place): string | undefined {
  const text = typeof pattern === 'string' ? pattern : pattern[platformOf(place)]
  return text === undefined ? undefined : resolved(text, place)
}

function resolved(text: string, place: Place): string {
  const parts = START.exec(text)
  if (!parts) return text
  const [start, folder, variable = '', otherwise = ''] = parts
  const rest = text.slice(start.length)
  if (folder !== undefined) return join(folderOf(folder, place), rest)
  const value = place.env(variable)
  return join(value === undefined || value === '' ? resolved(otherwise, place) : value, rest)
}

function folderOf(folder: string, place: Place): string {
  if (folder === '{project}') return place.cwd
  if (folder === '~') return place.home
  const platform = platformOf(place)
  if (folder === '{config}' && platform === 'darwin') {
    return resolved('~/Library/Application Support', place)
  }
  if (folder === '{config}' && platform === 'win32') {
    return resolved('{APPDATA:-~/AppData/Roaming}', place)
  }
  return resolved('{XDG_CONFIG_HOME:-~/.config}', place)
}

const platformOf = ({ platform }: Place): 'linux' | 'darwin' | 'win32' =>
  platform === 'darwin' || platform === 'win32' ? platform : 'linux'
