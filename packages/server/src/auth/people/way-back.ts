const PATH_CHARS_MAX = 8_192

/** A path on our own origin, as it was given; undefined for whatever leads elsewhere (AS16). */
export function pathOnOrigin(given: string | null, origin: string): string | undefined {
  if (given === null || given.length > PATH_CHARS_MAX) return undefined
  if (!/^\/(?![/\\])[\u0021-\u007E]*$/.test(given) || !URL.canParse(given, origin)) return undefined
  const { origin: found, pathname, search } = new URL(given, origin)
  // `/.//evil.example` is on our origin until its dots are resolved: what is left names another host.
  return found === origin && !pathname.startsWith('//') ? `${pathname}${search}` : undefined
}
