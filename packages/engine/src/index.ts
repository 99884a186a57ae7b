/** engine: what makes work survive. Knows nothing of MCP. */
export { openDatabase, StoreLocked } from './database.ts'
export { GroupCommit } from './group-commit.ts'
