import { tool, type Tool } from '@countersign/sdk'
import { z } from 'zod'
import type { DocumentIndex } from './document-index.ts'

const LIMIT_MAX = 50

/** The tool that finds passages in `index`. */
export const searchDocuments = (index: DocumentIndex): Tool =>
  tool({
    name: 'search_documents',
    title: 'Search documents',
    description:
      'Finds passages of the indexed documents that have all the given words in any form, the best first.',
    input: z.object({
      words: z.string(),
      limit: z.int().min(1).max(LIMIT_MAX).default(5),
    }),
    output: z.object({
      found: z.array(
        z.object({
          path: z.string(),
          title: z.string(),
          heading: z.string(),
          text: z.string().describe('Words around the match, which stands between **.'),
        }),
      ),
    }),
    effect: 'read',
    scopes: ['documents:read'],
    run: ({ words, limit }) => ({ found: [...index.search(words, limit)] }),
  })
