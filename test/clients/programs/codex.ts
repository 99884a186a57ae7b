import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROMPT, type Program } from './program.ts'

/** OpenAI's Codex (Apache-2.0): 2025-06-18, Responses API, a wall clock for each call. */
export const codex: Program = {
  name: 'codex',
  isForThisMachine: true,
  prepare: async (modules, { home, work, gateway, model, callTimeoutMs }) => {
    const folder = join(home, '.codex')
    await mkdir(folder)
    const config = `model = "scripted"
model_provider = "scripted"
check_for_update_on_startup = false
approval_policy = "never"
sandbox_mode = "danger-full-access"
[analytics]
enabled = false
[features]
apps = false
plugins = false
[model_providers.scripted]
name = "scripted"
base_url = "${model}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[mcp_servers.countersign]
url = "${gateway}"
required = true
startup_timeout_sec = 60
tool_timeout_sec = ${String(callTimeoutMs / 1_000)}
`
    await writeFile(join(folder, 'config.toml'), config)
    return {
      command: process.execPath,
      args: [
        join(modules, '@openai/codex/bin/codex.js'),
        'exec',
        '--skip-git-repo-check',
        '--cd',
        work,
        PROMPT,
      ],
      env: { CODEX_HOME: folder },
    }
  },
}
