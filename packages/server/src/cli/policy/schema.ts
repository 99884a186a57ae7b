import { POLICY_SCHEMA } from '#policy'
import { EXIT, type Command } from '../command.ts'
import { print } from '../io.ts'

export const schema: Command = {
  summary: 'Prints what policies may ask about, as a Cedar schema.',
  usage: 'policy schema',
  options: {},
  help: '  For editors with Cedar support: countersign policy schema > countersign.cedarschema',
  run: async (_parsed, io) => {
    print(io, POLICY_SCHEMA)
    return EXIT.ok
  },
}
