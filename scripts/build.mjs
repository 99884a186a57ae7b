/** `npm run build`: the folders that are published, and what npm's users would find wrong with them. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { findNode, ourEnv, ROOT, say, stop } from './lib/machine.mjs'
import { published } from './lib/published.mjs'

/** In the order in which they need each other. */
const PACKAGES = { contract: 'contract', engine: 'engine', sdk: 'sdk', server: 'countersign' }
const BUILD = join(ROOT, 'build')
const ENGINES = { node: '>=22.18' }

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)

function run(what, args, cwd = ROOT) {
  const started = performance.now()
  const ended = spawnSync(findNode(), args, { cwd, env: ourEnv(), encoding: 'utf8' })
  if (ended.status !== 0) throw new Error(`${what} failed:\n${ended.stdout}${ended.stderr}`)
  say(`${what.padEnd(28)} ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Compiled against what is built of the others, not their sources: as it will be at its users'. */
function compile(folder, target) {
  const own = join(ROOT, 'packages', folder, 'tsconfig.json')
  const base = existsSync(own) ? own : join(ROOT, 'tsconfig.json')
  const source = join(ROOT, 'packages', folder, 'src')
  const config = join(ROOT, 'packages', folder, 'tsconfig.build.json')
  writeJson(config, {
    extends: relative(join(ROOT, 'packages', folder), base).replace(/^(?!\.)/, './'),
    compilerOptions: {
      noEmit: false,
      outDir: join(target, 'dist'),
      rootDir: source,
      declaration: true,
      sourceMap: true,
      inlineSources: true,
      // What nobody uses is for `npm run check` to say.
      noUnusedLocals: false,
      noUnusedParameters: false,
      paths: {
        '@countersign/*': [join(BUILD, '*/dist/index.d.ts')],
      },
    },
    include: [source],
    exclude: [join(source, '**/*.test.ts')],
  })
  try {
    run(`compile ${folder}`, ['node_modules/typescript/bin/tsc', '-p', config])
  } finally {
    rmSync(config)
  }
  for (const path of globSync('dist/**/*.d.ts', { cwd: target })) {
    const file = join(target, path)
    writeFileSync(file, withJavaScriptEndings(readFileSync(file, 'utf8')))
  }
}

/** The compiler rewrites endings of imports in code and leaves them in declarations. */
const withJavaScriptEndings = (text) =>
  text.replaceAll(/(\bfrom |\bimport\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2')

function pack(folder, target) {
  const from = join(ROOT, 'packages', folder)
  const manifest = published(readJson(join(from, 'package.json')), ENGINES)
  for (const extra of manifest.files.filter((name) => name !== 'dist')) {
    cpSync(join(from, extra), join(target, extra), { recursive: true })
  }
  copyFileSync(join(from, 'README.md'), join(target, 'README.md'))
  copyFileSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'))
  for (const program of Object.values(manifest.bin ?? {})) chmodSync(join(target, program), 0o755)
  writeJson(join(target, 'package.json'), manifest)
}

function build() {
  for (const [folder, name] of Object.entries(PACKAGES)) {
    const target = join(BUILD, name)
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { recursive: true })
    compile(folder, target)
    pack(folder, target)
  }
}

/** What publint and "are the types wrong" know of packages that work here and fail elsewhere. */
function inspect() {
  for (const name of Object.values(PACKAGES)) {
    const target = join('build', name)
    run(`publint ${name}`, ['node_modules/publint/src/cli.js', 'run', target, '--strict'])
    if (name === 'countersign') continue // A program: it has no types to be wrong about.
    const attw = 'node_modules/@arethetypeswrong/cli/dist/index.js'
    run(`types of ${name}`, [attw, '--pack', target, '--profile', 'esm-only'])
  }
}

try {
  build()
  inspect()
  say(
    `Ready to publish: ${Object.values(PACKAGES)
      .map((name) => `build/${name}`)
      .join(', ')}`,
  )
} catch (error) {
  stop(error.message)
}
