import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../e2e/run-quickstart.ts'

const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8').replaceAll('\\\n', ' ')
const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
const stages = dockerfile.split(/^FROM /m).slice(1)
const last = stages.at(-1) ?? ''

test('the image is built in one stage and run in another, on pinned majors of Node', () => {
  assert.equal(stages.length, 2)
  for (const stage of stages) assert.match(stage, /^node:24-slim\b/)
})

test('the image runs as somebody who is not root, from its start on', () => {
  const users = [...last.matchAll(/^USER (.*)$/gm)].map(([, user]) => user)
  assert.deepEqual(users, ['node'])
  assert.ok(last.indexOf('USER') < last.indexOf('ENTRYPOINT'))
})

test('the image is well when /healthz says so', () => {
  assert.match(last, /^HEALTHCHECK .*\/healthz/m)
})

test('everything that is copied into the image exists and is sent to the builder', () => {
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.*)$/gm)].flatMap(([, words = '']) =>
    words.split(/\s+/).slice(0, -1),
  )
  assert.ok(sources.length > 0)
  for (const source of sources) {
    assert.ok(existsSync(join(ROOT, source)), `${source} does not exist`)
    assert.ok(ignored.includes(`!${source.split('/')[0]}`), `${source} is not sent`)
  }
})

test('the manifest of every workspace is there before npm ci, which needs all of them', () => {
  const before = dockerfile.slice(0, dockerfile.indexOf('npm ci'))
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    assert.match(before, new RegExp(`^COPY packages/${name}/package\\.json`, 'm'))
  }
})
