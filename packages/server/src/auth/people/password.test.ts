import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { makePasswords, passwordProblem } from './password.ts'

const passwords = makePasswords(systemWorld)

test('a password is known by its hash, which says at which cost it was made', async () => {
  const hash = await passwords.hash('correct horse battery')
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=3\$[\w-]{22}\$[\w-]{43}$/)
  assert.deepEqual(await passwords.check('correct horse battery', hash), {
    isRight: true,
    isStale: false,
  })
  assert.equal((await passwords.check('correct horse batterz', hash)).isRight, false)
  assert.notEqual(await passwords.hash('correct horse battery'), hash)
})

test('the same letters written in another way are the same password', async () => {
  const hash = await passwords.hash('caf\u00e9 caf\u00e9 caf\u00e9')
  assert.equal((await passwords.check('cafe\u0301 cafe\u0301 cafe\u0301', hash)).isRight, true)
})

test('what was hashed at a lower cost is right, and is due to be hashed anew', async () => {
  const salt = Buffer.from('0123456789abcdef')
  const old = scryptSync('correct horse battery', salt, 32, { N: 2 ** 12, r: 8, p: 1 })
  const hash = `$scrypt$ln=12,r=8,p=1$${salt.toString('base64url')}$${old.toString('base64url')}`
  assert.deepEqual(await passwords.check('correct horse battery', hash), {
    isRight: true,
    isStale: true,
  })
})

test('without a hash, or with one that is not ours, no password is right', async () => {
  for (const hash of [undefined, '$scrypt$ln=40,r=8,p=1$AAAA$AAAA']) {
    assert.equal((await passwords.check('', hash)).isRight, false)
  }
})

test('passwords that anybody would guess are not taken, and why is said', () => {
  assert.equal(passwordProblem('correct horse battery', 'ada'), undefined)
  assert.match(passwordProblem('short', 'ada') ?? '', /12/)
  assert.match(passwordProblem('a'.repeat(300), 'ada') ?? '', /256/)
  assert.match(passwordProblem('aaaaaaaaaaaaaaaa', 'ada') ?? '', /different/)
  assert.match(passwordProblem('adalovelace12', 'adalovelace') ?? '', /name/)
})
