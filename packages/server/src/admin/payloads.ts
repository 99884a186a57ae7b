import { Fault, textAt, type Admin } from '@countersign/contract'
import type { KeptPayloads, Ledger } from '#audit'
import { wholeCall } from './whole-id.ts'

interface PayloadRooms {
  readonly ledger: Ledger
  readonly kept: KeptPayloads
}

type Input = Parameters<Admin['readPayloads']>[0]
type Output = Awaited<ReturnType<Admin['readPayloads']>>

/** Who acts through the admin API: whoever holds the token of the data folder. */
const BY = 'admin'

/** What calls carried, where that is kept. That it was read stands in the ledger first. */
export async function readPayloads(
  { ledger, kept }: PayloadRooms,
  { calls: given, why }: Input,
): Promise<Output> {
  const calls: string[] = []
  // oxlint-disable-next-line eslint/no-await-in-loop -- Whoever misspells the third is told of it.
  for (const one of given) calls.push(await wholeCall(ledger, one))
  const [only] = calls
  await ledger.note('payload.read', {
    by: BY,
    ...(calls.length === 1 && only !== undefined ? { call: only } : { calls }),
    ...(why === undefined ? {} : { why }),
  })
  // AU-101: a note that could not be written is owed, and nobody reads on credit.
  if (ledger.owed() > 0) throw unwritten()
  const payloads: Output['payloads'] = []
  const salts: Output['salts'] = {}
  for (const call of calls) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- A page is small, and calls go on meanwhile.
    const subject = await principalOf(ledger, call)
    // oxlint-disable-next-line eslint/no-await-in-loop
    for (const { text, ...rest } of await kept.read(subject, call)) {
      payloads.push({ ...rest, ...(text === undefined ? {} : { text }) })
    }
    // oxlint-disable-next-line eslint/no-await-in-loop
    const salt = salts[subject] ?? (await kept.saltOf(subject))
    if (salt !== undefined) salts[subject] = salt
  }
  return { payloads, salts }
}

const unwritten = (): Fault =>
  new Fault(
    'ledger/unavailable',
    'Nothing was read: that you did cannot be written into the ledger at the moment. Try again later.',
  )

async function principalOf(ledger: Ledger, call: string): Promise<string> {
  const opened = (await ledger.of(call)).find(({ kind }) => kind === 'call.opened')
  return opened ? textAt(opened.body, 'principal') : ''
}
