import type { Records, Saved } from '#store'

const PAGE = 500

/** All of a kind that are kept. */
export async function everyRecord(records: Records, kind: string): Promise<readonly Saved[]> {
  const all: Saved[] = []
  for (let after = ''; ;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each page says where the next one begins.
    const page = await records.list(kind, { after, limit: PAGE })
    all.push(...page)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return all
    after = last.id
  }
}
