import type { Command } from './command.ts'
export const init: Command = { summary: '', usage: '', options: {}, help: '', run: async () => 2 }
