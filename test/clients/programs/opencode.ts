import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROMPT, type Program } from './program.ts'

/** opencode (MIT): 2025-11-25, Chat Completions, a clock that progress renews, cancels after each call. */
export const opencode: Program = {
  name: 'opencode',
  // Its packages are one for each platform; this one is pinned.
  isForThisMachine: process.platform === 'linux' && process.arch === 'x64',
  prepare: async (modules, { home, work, gateway, model, callTimeoutMs: timeout }) => {
    const folder = join(home, '.config', 'opencode')
    // It would fetch this package, which only plugins need, if it did not find it installed.
    await mkdir(join(folder, 'node_modules'), { recursive: true })
    const locked = { packages: { '': { dependencies: { '@opencode-ai/plugin': '*' } } } }
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify(locked))
    const scripted = {
      npm: '@ai-sdk/openai-compatible', // Built into the program.
      name: 'Scripted',
      options: { baseURL: `${model}/v1`, apiKey: 'none' },
      models: { scripted: { name: 'Scripted', limit: { context: 100_000, output: 1_000 } } },
    }
    const config = {
      autoupdate: false,
      share: 'disabled',
      snapshot: false,
      lsp: false,
      formatter: false,
      model: 'scripted/scripted',
      small_model: 'scripted/scripted',
      enabled_providers: ['scripted'],
      provider: { scripted },
      mcp: { countersign: { type: 'remote', url: gateway, oauth: false, timeout } },
      permission: 'allow',
    }
    await writeFile(join(folder, 'opencode.json'), JSON.stringify(config))
    return {
      command: join(modules, 'opencode-linux-x64-baseline/bin/opencode'),
      args: ['run', '--print-logs', '--dir', work, PROMPT],
      env: {
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      },
    }
  },
}
