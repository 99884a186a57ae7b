import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { makeLegacyServer } from './legacy-server.ts'

process.stdin.once('end', () => process.exit(0))
process.stderr.write('legacy peer is up\n')
await makeLegacyServer().connect(new StdioServerTransport())
