/** Prints the JSON Schema of the ledger's entries; with --write, into the file that is published. */
import { writeFileSync } from 'node:fs'
import { entriesSchema } from '../../src/ledger/entries.ts'

export const schemaFile = new URL('../../ledger-entries.schema.json', import.meta.url)
export const schemaText = `${JSON.stringify(entriesSchema(), null, 2)}\n`

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(schemaFile, schemaText)
  else process.stdout.write(schemaText)
}
