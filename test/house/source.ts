/** One file as the rules see it. */
export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

const IMPORT =
  /^\s*(?:import|export)\b[^;'"`]*?\bfrom\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm

/** Every module a file names, types included: a type binds as much as a value. */
export const importsOf = (text: string): readonly string[] =>
  [...withoutComments(text).matchAll(IMPORT)].map(
    ([, from, bare, late]) => from ?? bare ?? late ?? '',
  )

/**
 * The code without its comments. Not a parser: it knows strings well enough to leave `//` of a URL
 * alone, which is all the rules need.
 */
export const withoutComments = (text: string): string =>
  text.replaceAll(/'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[^]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith('/') ? ' ' : found,
  )

export const isTest = (path: string): boolean =>
  /\.test\.tsx?$/.test(path) || /^(?:packages\/[^/]+\/)?(?:test|bench)\//.test(path)

/** `packages/server/src/gateway/call.ts` is in the room `gateway`, `…/src/main.ts` in `main`. */
export const roomOf = (path: string): string | undefined =>
  /^packages\/server\/src\/([^/]+?)(?:\.test)?(?:\.tsx?|\/.*)$/.exec(path)?.[1]

export const workspaceOf = (path: string): string | undefined =>
  /^packages\/([^/]+)\//.exec(path)?.[1]
