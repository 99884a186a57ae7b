/**
 * The id of a principal as calls have it: its subject is percent-encoded there. Written in another
 * way somebody would be two people, of whom one could approve the calls of the other (GV2).
 */
export function memberId(written: string): string {
  const at = written.indexOf('#')
  if (at < 0) return written
  const subject = written.slice(at + 1).toWellFormed()
  if (encodeURIComponent(decoded(subject)) === subject) return written
  return `${written.slice(0, at)}#${encodeURIComponent(subject)}`
}

function decoded(subject: string): string {
  try {
    return decodeURIComponent(subject)
  } catch {
    return ''
  }
}
