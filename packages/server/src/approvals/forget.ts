import type { Records } from '#store'
import type { Book } from './book.ts'
import { isLive } from './grant.ts'
import { GRANT_KIND, type Grants } from './grants.ts'

/**
 * Takes what a principal's calls were made with out of what people were shown, of requests up to
 * then. What was asked, of whom, and what they said stays. Returns how many there were.
 */
export async function forgetShown(book: Book, principal: string, before: number): Promise<number> {
  const theirs = (await book.list()).filter(
    ({ bound, createdAt }) => bound.principal === principal && createdAt <= before,
  )
  for (const { id } of theirs) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each is a commit, and calls go on meanwhile.
    await book.change(id, (one) => ({
      ...one,
      shown: {
        name: one.shown.name,
        arguments: {},
        description: 'What it was called with has been erased.',
        client: one.shown.client,
      },
    }))
  }
  return theirs.length
}

/** Ends the standing grants of a principal, and removes what they were bound to. */
export async function forgetGrants(
  { grants, records }: { readonly grants: Grants; readonly records: Records },
  principal: string,
  why: string,
): Promise<number> {
  const theirs = (await grants.list()).filter((one) => one.principal === principal)
  for (const grant of theirs) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each is a commit, and calls go on meanwhile.
    if (isLive(grant)) await grants.revoke(grant.id, 'admin', why)
    // oxlint-disable-next-line eslint/no-await-in-loop
    await records.remove(GRANT_KIND, grant.id)
  }
  return theirs.length
}
