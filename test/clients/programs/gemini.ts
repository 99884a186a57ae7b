import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROMPT, type Program } from './program.ts'

/** Google's Gemini CLI (Apache-2.0): 2025-06-18, Gemini API, no cancels, an argument of its own in each call. */
export const gemini: Program = {
  name: 'gemini',
  isForThisMachine: true,
  adds: { wait_for_previous: true },
  prepare: async (modules, { home, gateway, model, callTimeoutMs: timeout }) => {
    const folder = join(home, '.gemini')
    await mkdir(folder)
    const settings = {
      general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
      model: { name: 'gemini-2.5-flash' },
      mcpServers: { countersign: { httpUrl: gateway, trust: true, timeout } },
    }
    await writeFile(join(folder, 'settings.json'), JSON.stringify(settings))
    return {
      command: process.execPath,
      args: [join(modules, '@google/gemini-cli/bundle/gemini.js'), '--yolo', '--prompt', PROMPT],
      env: {
        GEMINI_API_KEY: 'none',
        GOOGLE_GEMINI_BASE_URL: model,
        GEMINI_CLI_NO_RELAUNCH: 'true',
        NO_BROWSER: 'true',
      },
    }
  },
}
