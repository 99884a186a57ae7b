import type { Detector, Finding } from './detector.ts'

/** A form that may be something, and whether it is: that is known by libraries that are kept up. */
interface Form {
  readonly kind: string
  readonly form: RegExp
  /** How much of it, from its start, is what it looks like; 0 when it is not. */
  readonly charsIn: (text: string) => number
}

const whole =
  (is: (text: string) => boolean) =>
  (text: string): number =>
    is(text) ? text.length : 0

/**
 * E-mail addresses, phone numbers with their country, bank accounts and payment cards. Each form is
 * looked for from where nothing of it stands before, so that a text is looked at once.
 */
export async function loadPersonal(): Promise<Detector> {
  const [email, iban, card, phone] = await Promise.all([
    import('validator/lib/isEmail.js'),
    import('validator/lib/isIBAN.js'),
    import('validator/lib/isCreditCard.js'),
    import('libphonenumber-js/min'),
  ])
  const isEmail = (text: string): boolean => email.default.default(text)
  const isIban = (text: string): boolean => iban.default.default(text)
  const countries = new Set<string>(iban.locales)
  const isCard = (text: string): boolean => card.default.default(text)
  const isPhone = (text: string): boolean => phone.isValidPhoneNumber(text)
  const forms: readonly Form[] = [
    {
      kind: 'personal/email',
      form: /(?<![\p{L}\p{N}._%+/-])[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}.-]{3,255}/gu,
      charsIn: (text) => (DOMAIN.test(text) ? whole(isEmail)(text.replace(/[.-]+$/, '')) : 0),
    },
    {
      kind: 'personal/iban',
      form: /(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?/g,
      charsIn: (text) => (countries.has(text.slice(0, 2)) ? longest(text, isIban) : 0),
    },
    {
      kind: 'personal/payment-card',
      form: /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d])/g,
      charsIn: (text) => withoutLast(text, isCard),
    },
    {
      kind: 'personal/phone',
      form: /(?<![\w+])\+\d(?:[ ()./-]{0,2}\d){6,14}(?!\d)/g,
      charsIn: whole(isPhone),
    },
  ]
  return (text) => forms.flatMap((form) => findingsOf(form, text))
}

function findingsOf({ kind, form, charsIn }: Form, text: string): readonly Finding[] {
  return [...text.matchAll(form)].flatMap(({ index, 0: found }) => {
    const chars = charsIn(found)
    return chars === 0 ? [] : [{ kind, start: index, end: index + chars }]
  })
}

/** What follows a card is often more digits, of its date: it is tried without those that stand apart. */
function withoutLast(text: string, is: (text: string) => boolean): number {
  let tried = text
  while (!is(tried)) {
    const apart = tried.search(/[ -]\d{1,4}$/)
    if (apart < CARD_CHARS_MIN) return 0
    tried = tried.slice(0, apart)
  }
  return tried.length
}
const CARD_CHARS_MIN = 13

/** Looked for first, since the rest takes long: an address without a domain is none. */
const DOMAIN = /@[^.]+\.[^.]/

/** A word that follows looks like its last part: so it is tried without. */
function longest(text: string, is: (text: string) => boolean): number {
  let compact = text.replaceAll(' ', '')
  for (let chars = text.length; compact.length >= IBAN_CHARS_MIN; chars--) {
    if (text[chars - 1] === ' ') continue
    if (is(compact)) return chars
    compact = compact.slice(0, -1)
  }
  return 0
}
const IBAN_CHARS_MIN = 15
