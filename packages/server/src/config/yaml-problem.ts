import type { ErrorCode } from 'yaml'

interface Said {
  readonly problem: string
  readonly remedy: string
}

const QUOTES = 'put text with { } [ ] : # or ${ in quotes'

/** In our words: the parser's own would repeat what is written there, which may be a secret. */
const SAID: Partial<Record<ErrorCode, Said>> = {
  BAD_ALIAS: {
    problem: 'an alias (*) without its anchor (&)',
    remedy: 'put text with * in quotes',
  },
  ALIAS_PROPS: { problem: 'an alias with a tag or an anchor', remedy: 'remove one of them' },
  BAD_DIRECTIVE: { problem: 'an unknown directive', remedy: 'remove the line starting with %' },
  BAD_DQ_ESCAPE: {
    problem: 'an unknown \\ escape in a text',
    remedy: 'write \\\\ or use single quotes',
  },
  BAD_INDENT: { problem: 'wrong indentation', remedy: 'align it with its neighbours, in spaces' },
  BAD_SCALAR_START: { problem: 'a text may not start like this', remedy: 'put it in quotes' },
  BLOCK_AS_IMPLICIT_KEY: {
    problem: 'a value nested on one line',
    remedy: 'start a new line, or put it in quotes',
  },
  BLOCK_IN_FLOW: {
    problem: 'lines of a block inside { } or [ ]',
    remedy: 'write it on one line with commas',
  },
  KEY_OVER_1024_CHARS: { problem: 'a key longer than 1024 characters', remedy: 'shorten it' },
  MISSING_CHAR: {
    problem: 'a character is missing',
    remedy: 'close the quote, bracket or brace; put a space after : and ,',
  },
  MULTILINE_IMPLICIT_KEY: {
    problem: 'a key over several lines',
    remedy: 'is a colon missing? put text in quotes',
  },
  MULTIPLE_DOCS: { problem: 'a second document', remedy: 'keep one, without ---' },
  TAB_AS_INDENT: { problem: 'a tab as indentation', remedy: 'use spaces' },
  TAG_RESOLVE_FAILED: {
    problem: 'an unknown tag (!)',
    remedy: 'remove it, or put the text in quotes',
  },
  UNEXPECTED_TOKEN: { problem: 'nothing belongs here', remedy: QUOTES },
  RESOURCE_EXHAUSTION: { problem: 'nested too deeply', remedy: 'is it the right file?' },
}

const OTHERWISE: Said = { problem: 'unreadable', remedy: QUOTES }

export function yamlProblem(code: ErrorCode, json: boolean): Said {
  const { problem, remedy } = SAID[code] ?? OTHERWISE
  return json
    ? { problem: `not valid JSON: ${problem}`, remedy: 'check quotes, commas and brackets near it' }
    : { problem: `not valid YAML: ${problem}`, remedy }
}
