import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '@countersign/contract'
import { parseConfig, type Config } from './parse-config.ts'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const env = (name: string): string | undefined => (name === 'CHAT' ? SECRET : undefined)

const read = (written: object): Config =>
  parseConfig({ world: { env }, text: JSON.stringify(written), path: '/etc/countersign.json' })
const problemsOf = (written: object): string => {
  try {
    read(written)
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.message
    throw thrown
  }
  return ''
}
const hook = (more: object = {}): object => ({
  events: {
    webhooks: [{ name: 'chat', url: 'https://hooks.example/x', secret: '${CHAT}', ...more }],
  },
})

describe('events', () => {
  it('are told nobody unless it is said', () => {
    const { events, deciders } = read({})
    assert.deepEqual(events, { readers: [], streamsMax: 100, webhooks: [], files: [] })
    assert.deepEqual(deciders, [])
  })

  it('go where it is said, with secrets from outside of the file', () => {
    const [one] = read(hook()).events.webhooks
    assert.deepEqual([one?.reach, one?.format, one?.from], ['public', 'countersign', 'now'])
    assert.equal(one?.secrets[0]?.reveal(), SECRET)
    assert.doesNotMatch(JSON.stringify(one), /whsec/)
    const [two] = read(hook({ url: 'http://localhost:1/', allowPrivate: true })).events.webhooks
    assert.equal(two?.reach, 'loopback')
    const [file] = read({ events: { files: [{ path: 'a.jsonl' }] } }).events.files
    assert.deepEqual([file?.path, file?.format, file?.from], ['/etc/a.jsonl', 'ocsf', 'start'])
  })

  it('are refused where they could not be told as it is written', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [hook({ url: 'http://hooks.example/' }), /webhooks\[0\]\.url {2}not https/],
      [hook({ url: 'http://127.0.0.1:1/' }), /on this machine/],
      [hook({ url: 'https://a:b@hooks.example/' }), /a password/],
      [hook({ url: 'no' }), /not a URL/],
      [hook({ secret: 'hunter2hunter2hunter2hunter2' }), /no signing secret/],
      [hook({ secret: 'whsec_c2hvcnQ=' }), /no signing secret/],
      [hook({ secret: ['${CHAT}', '${GONE}'] }), /secret\[1\] {2}the variable GONE is not set/],
      [hook({ kinds: ['everything!'] }), /kinds/],
      [hook({ kinds: ['call.*', 'aproval.*'] }), /kinds\[1\].*there is no such kind/],
      [{ events: { readers: ['nobody'] } }, /no such group/],
      [
        { events: { files: [{ path: 'a' }, { path: './a' }] } },
        /files\[1\]\.path {2}is here twice/,
      ],
    ]
    for (const [written, problem] of wrong) assert.match(problemsOf(written), problem)
    assert.doesNotMatch(problemsOf(hook({ secret: 'hunter2hunter2hunter2hunter2' })), /hunter2/)
  })

  it('are answered by deciders that sign, for groups that there are', () => {
    const one = { name: 'slack', secret: '${CHAT}', people: { U1: 'ada', U2: 'i#b@c' } }
    const policy = (more: object): object => ({
      policy: { folder: 'p', groups: { sre: ['ada'] }, approvals: { deciders: [one, more] } },
    })
    const { deciders } = read(policy({ ...one, name: 'teams', as: 'sre' }))
    assert.deepEqual([deciders[0]?.people.get('U1'), deciders[1]?.as], ['ada', 'sre'])
    assert.equal(deciders[0]?.people.get('U2'), 'i#b%40c') // GV2: the same person as when they call.
    assert.match(
      problemsOf(policy({ ...one, name: 'teams', as: 'ops' })),
      /deciders\[1\]\.as {2}no such group/,
    )
    assert.match(problemsOf(policy(one)), /deciders\[1\]\.name {2}is here twice/)
  })
})
