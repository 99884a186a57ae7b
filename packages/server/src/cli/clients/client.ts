import type { Fields } from '#config'

/** How a client writes variables into its file, and so what its text means. */
export type Style =
  /** `${NAME}` and `${NAME:-fallback}` */
  | 'braces'
  /** `${env:NAME}`, `${input:id}`, `${workspaceFolder}`, `${userHome}` */
  | 'editor'
  /** `$NAME` */
  | 'dollar'
  /** `{env:NAME}` and `{file:path}` */
  | 'curly'

/** A path that starts at a known folder: `~`, `{config}`, `{xdg}`, `{project}`, `{NAME:-~/folder}`. */
export type PathPattern =
  | string
  | { readonly linux?: string; readonly darwin?: string; readonly win32?: string }

export type FormatName = 'json' | 'yaml' | 'toml'

/** A file in which a client keeps its servers, and where in it. */
export interface ClientPlace {
  readonly scope: 'user' | 'project'
  readonly path: PathPattern
  readonly format: FormatName
  /** The way to the mapping of servers; `{project}` is the folder the client runs in. */
  readonly key: readonly string[]
}

/** One program that uses MCP servers; everything we know of it is data. */
export interface Client {
  /** What people type after `--client`. */
  readonly id: string
  readonly name: string
  readonly places: readonly ClientPlace[]
  readonly styles: readonly Style[]
  /** What its `timeout` counts. */
  readonly timeoutUnitMs: 1 | 1_000
  /** The entry that points at us; `{url}`, and `{command}` with `{args}`, are filled in. */
  readonly ours: Fields
  /** It locks its file with a folder called `<file>.lock`. */
  readonly locks?: true
  /** What is left for the person to do. */
  readonly next: string
}

/** Where we are and for whom: everything a path depends on. */
export interface Place {
  readonly home: string
  readonly cwd: string
  readonly platform: NodeJS.Platform
  readonly env: (name: string) => string | undefined
}
