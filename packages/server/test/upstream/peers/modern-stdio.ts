import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { makeModernServer } from './modern-server.ts'

process.stdin.once('end', () => process.exit(0))
serveStdio(() => makeModernServer((mcp) => mcp.sendToolListChanged()), { legacy: 'reject' })
