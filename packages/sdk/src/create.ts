#!/usr/bin/env node
/** `countersign-tool create <folder>`: a durable tool to begin with. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const HELP = `A durable tool to begin with: the tool, a server, a test and a client.

  npx @countersign/sdk create <folder>
`
const TEMPLATE = fileURLToPath(new URL('../templates/durable-tool', import.meta.url))
/** Run from a clone, what it needs is there already, and nothing has to be installed. */
const IS_CLONE = import.meta.url.endsWith('.ts')

function create(folder: string): void {
  const target = resolve(folder)
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Error(`${folder} is not empty.`)
  }
  cpSync(TEMPLATE, target, { recursive: true })
  // npm leaves a file of this name out of packages.
  renameSync(join(target, 'gitignore'), join(target, '.gitignore'))
  for (const file of ['package.json', 'README.md', 'server.ts']) {
    const path = join(target, file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replaceAll('my-tools', nameOf(target)))
  }
  if (IS_CLONE) link(target)
}

/** A folder's name as npm and every MCP client accept it. */
const nameOf = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '') || 'my-tools'

/** Makes this clone, and what it has installed, what the new folder finds. */
function link(target: string): void {
  const zod = dirname(fileURLToPath(import.meta.resolve('zod/package.json')))
  mkdirSync(join(target, 'node_modules/@countersign'), { recursive: true })
  symlinkSync(resolve(TEMPLATE, '../..'), join(target, 'node_modules/@countersign/sdk'), 'junction')
  symlinkSync(zod, join(target, 'node_modules/zod'), 'junction')
}

const next = (folder: string): string =>
  [
    `Made ${folder}. Next:`,
    '',
    `  cd ${folder}`,
    ...(IS_CLONE ? [] : ['  npm install']),
    '  npm test',
    '  node server.ts --port 8080',
    '',
  ].join('\n')

const [command, folder] = process.argv.slice(2)
if (command === 'create' && folder !== undefined) {
  try {
    create(folder)
    process.stdout.write(next(folder))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
} else {
  process.stdout.write(HELP)
  process.exitCode = command === undefined || command === '--help' ? 0 : 1
}
