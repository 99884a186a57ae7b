import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { makeLegacyTasksServer } from './legacy-tasks-server.ts'

process.stdin.once('end', () => process.exit(0))
await makeLegacyTasksServer().connect(new StdioServerTransport())
