/** HTML as a person reads it: text under headings, without what only a browser needs. */
import { parse, type DefaultTreeAdapterTypes } from 'parse5'
import type { Document } from './read-document.ts'

type Node = DefaultTreeAdapterTypes.Node

const HEADING = /^h[1-6]$/
const UNSEEN = new Set(['head', 'script', 'style', 'template', 'noscript', 'nav', 'footer', 'svg'])
/** What stands in the middle of a line; everything else ends one. */
const INLINE = new Set(
  'a abbr b cite code em i kbd mark q s small span strong sub sup u'.split(' '),
)

/** @returns its title, else its first heading, and its sections. Broken markup is read as browsers do. */
export function readHtml(html: string): Document {
  const root = parse(html)
  const sections = [{ heading: '', text: '' }]
  const walk = (node: Node): void => {
    if ('value' in node && node.nodeName === '#text') {
      const last = sections.at(-1)
      if (last) last.text += node.value
    }
    if (!('childNodes' in node) || UNSEEN.has(node.nodeName)) return
    if (HEADING.test(node.nodeName)) {
      sections.push({ heading: textOf(node), text: '' })
      return
    }
    for (const child of node.childNodes) walk(child)
    const last = sections.at(-1)
    if (last && !INLINE.has(node.nodeName)) last.text += '\n'
  }
  walk(root)
  const title = find(root, 'title')
  const first = sections.find(({ heading }) => heading !== '')?.heading ?? ''
  return { title: title ? textOf(title) : first, sections }
}

function find(node: Node, name: string): Node | undefined {
  if (node.nodeName === name) return node
  if (!('childNodes' in node)) return undefined
  for (const child of node.childNodes) {
    const found = find(child, name)
    if (found) return found
  }
  return undefined
}

function textOf(node: Node): string {
  if ('value' in node) return node.value
  return 'childNodes' in node
    ? node.childNodes.map(textOf).join('').replaceAll(/\s+/g, ' ').trim()
    : ''
}
