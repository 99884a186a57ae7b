// Runs in the page: what somebody would stumble over there.

const shown = (selector) =>
  [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility())

const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number)

function luminance(color) {
  const [red, green, blue] = channels(color)
    .slice(0, 3)
    .map((channel) => channel / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function groundOf(element) {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor
    if (channels(color)[3] !== 0) return color
  }
  return 'rgb(255, 255, 255)'
}

/** WCAG 2.2 §1.4.3 */
function contrasts() {
  const withText = shown('body *').filter(
    (element) =>
      !element.matches('.sr') &&
      [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== '',
      ),
  )
  return withText.flatMap((element) => {
    const both = [getComputedStyle(element).color, groundOf(element)].map(luminance)
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)
    const words = element.innerText.slice(0, 40)
    return ratio < 4.5 ? [`too little contrast (${ratio.toFixed(2)}): ${words}`] : []
  })
}

function fields() {
  const isAsked = ({ type, ariaHidden }) => type !== 'hidden' && ariaHidden !== 'true'
  return shown('input')
    .filter(isAsked)
    .flatMap((field) => {
      const described = (field.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean)
      const isWrong = field.getAttribute('aria-invalid') === 'true'
      return [
        ...(field.labels.length === 0 ? [`${field.name} has no label`] : []),
        ...(isWrong && described.length === 0 ? [`${field.name} is wrong, but not why`] : []),
        ...described
          .filter((id) => !document.querySelector(`#${id}`))
          .map((id) => `${field.name} is described by ${id}, which is not there`),
      ]
    })
}

function buttons() {
  return shown('button').flatMap((button) => [
    ...(button.innerText.trim() === '' ? ['a button without words'] : []),
    // WCAG 2.2 §2.5.8: in a line of text it may be as high as the line.
    ...(button.matches('.link') || button.getBoundingClientRect().height >= 24
      ? []
      : ['a button too small to hit']),
  ])
}

globalThis.hurdles = () => {
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  const { documentElement: root, title } = document
  const facts = [
    [root.lang === '', 'no language'],
    [title.trim() === '', 'no title'],
    [shown('h1').length !== 1, 'not exactly one heading'],
    [shown('main').length !== 1, 'no main part'],
    [root.scrollWidth > window.innerWidth, 'wider than the screen'],
    [new Set(ids).size !== ids.length, 'an id twice'],
  ]
  const broken = facts.filter(([isBroken]) => isBroken).map(([, what]) => what)
  return [...broken, ...fields(), ...buttons(), ...contrasts()]
}
