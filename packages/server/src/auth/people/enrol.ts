import type { IncomingMessage, ServerResponse } from 'node:http'
import { enrolPage, firstAccountPage, type EnrolShown } from '../pages/enrol-page.ts'
import type { Form } from '../pages/forms.ts'
import { PageRefusal } from '../pages/refusal.ts'
import { loginName, NAME_RULE, type Account } from './account.ts'
import { ENROL_PATH, type Enrolments } from './enrolments.ts'
import { PASSWORD_CHARS, passwordProblem } from './password.ts'
import { ACCOUNT, letIn, type SignInRooms } from './sign-in.ts'

export interface EnrolRooms extends SignInRooms {
  readonly enrolments: Enrolments
}

interface Visit extends EnrolRooms {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly token: string
}

const pathOf = ({ token }: Visit): string => `${ENROL_PATH}${token}`

/** The page behind a one-time link: whoever has the link decides how this account signs in. */
export async function enrol(visit: Visit): Promise<void> {
  const { enrolments, accounts, token } = visit
  // Nobody guesses 256 bits: tries are not counted, so that no stranger can use them up.
  const enrolment = await enrolments.find(token)
  if (!enrolment) throw overLink()
  if (enrolment.account === undefined) {
    // Once somebody can sign in, nobody makes the first account any more.
    if (!(await accounts.isEmpty())) throw overLink()
    return nameFirst(visit)
  }
  const account = await accounts.get(enrolment.account)
  if (!account || account.isDisabled) throw overLink()
  return choose(visit, account)
}

const overLink = (): PageRefusal =>
  new PageRefusal(404, {
    title: 'This link is over',
    words:
      'It was used, replaced by a newer one, or is older than a day. Ask whoever runs this Countersign for another.',
  })

async function nameFirst(visit: Visit): Promise<void> {
  const { request, response, pages, accounts, enrolments, token, notes } = visit
  const form = `first ${token}`
  const ask = (name = '', problem?: string): void => {
    const field = pages.forms.field(request, response, form)
    pages.send(response, 200, firstAccountPage({ path: pathOf(visit), field, name, problem }))
  }
  if (request.method !== 'POST') return ask()
  const written = (await pages.forms.read(request, form)).text('name')
  const name = loginName(written)
  if (name === undefined) return ask(written.slice(0, 64), `A name has ${NAME_RULE}.`)
  if (!(await enrolments.use(token))) throw overLink()
  const account = await accounts.add(name)
  if (!account) throw overLink()
  notes.note('user.added', { account: account.id, by: 'first link' })
  const next = await enrolments.make(account.id)
  pages.sendOnward(response, `${ENROL_PATH}${next.token}`, { title: 'Almost done' })
}

async function choose(visit: Visit, account: Account): Promise<void> {
  const { request, pages, token } = visit
  const name = `enrol ${token}`
  if (request.method !== 'POST') return show(visit, account)
  const form = await pages.forms.read(request, name)
  return form.text('passkey') === ''
    ? choosePassword(visit, account, form)
    : choosePasskey(visit, account, form)
}

async function show(
  visit: Visit,
  account: Account,
  problem?: EnrolShown['problem'],
): Promise<void> {
  const { request, response, pages, passkeys, token } = visit
  const page = enrolPage({
    path: pathOf(visit),
    field: pages.forms.field(request, response, `enrol ${token}`),
    name: account.name,
    problem,
    passkey: await passkeys?.offerToAdd(account),
    isAgain: account.password !== undefined || account.passkeys.length > 0,
    charsMin: PASSWORD_CHARS.min,
  })
  pages.send(response, 200, page)
}

async function choosePassword(visit: Visit, account: Account, form: Form): Promise<void> {
  const password = form.text('password')
  const words = passwordProblem(password, account.name)
  if (words !== undefined) return show(visit, account, { at: 'password', words })
  if (password !== form.text('repeat')) {
    return show(visit, account, { at: 'repeat', words: 'The two are not the same.' })
  }
  const hash = await visit.passwords.hash(password)
  return settle(visit, 'password', { ...account, password: hash, passkeys: [] })
}

async function choosePasskey(visit: Visit, account: Account, form: Form): Promise<void> {
  const passkey = await visit.passkeys?.added(
    account.id,
    form.text('passkey'),
    form.text('challenge'),
  )
  if (!passkey) {
    const words = 'That passkey could not be checked. Try again, or choose a password.'
    return show(visit, account, { at: 'passkey', words })
  }
  return settle(visit, 'passkey', { ...account, password: undefined, passkeys: [passkey] })
}

/** Whoever had the old password, or still sits in an old session, is out from here on. */
async function settle(
  visit: Visit,
  means: 'password' | 'passkey',
  { id, password, passkeys }: Account,
): Promise<void> {
  const { enrolments, accounts, token, notes } = visit
  if (!(await enrolments.use(token))) throw overLink()
  const changed = await accounts.change(id, (now) => ({ ...now, password, passkeys }))
  if (!changed) throw overLink()
  await accounts.endSessions(id)
  notes.note('user.enrolled', { account: id, means })
  await letIn(visit, changed, means, ACCOUNT)
}
