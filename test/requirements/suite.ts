/** What the official conformance suite expects beyond the text. */
import type { Requirement } from './requirement.ts'

export const SUITE: readonly Requirement[] = [
  {
    id: 'CF-001',
    level: 'SUITE',
    era: 'B',
    says: 'Both requirement sets run against the same URL',
    source: 'CF: requirements/*.yaml; src/index.ts',
    scope: 'here',
  },
  {
    id: 'CF-002',
    level: 'SUITE',
    era: 'B',
    says: 'Every message sent fits the schema of its revision',
    source: 'CF: src/validation/wire-schema.ts',
    scope: 'here',
  },
  {
    id: 'CF-003',
    level: 'SUITE',
    era: 'N',
    says: 'The suite is one that judges task results rightly',
    source:
      'CF: src/validation/wire-schema.ts; npm @modelcontextprotocol/conformance 0.2.0-alpha.12',
    scope: 'here',
  },
  {
    id: 'CF-004',
    level: 'SUITE',
    era: 'O',
    says: 'The harness speaks the old era through SDK v1',
    source: 'CF: src/connection/sdk-client.ts',
    scope: 'here',
  },
  {
    id: 'CF-005',
    level: 'SUITE',
    era: 'N',
    says: 'The harness declares sampling, elicitation and roots in the new era',
    source: 'CF: src/connection/stateless.ts',
    scope: 'here',
  },
  {
    id: 'CF-006',
    level: 'SUITE',
    era: 'B',
    says: 'Names and URIs of the fixture are literal',
    source: 'CF:server/**',
    scope: 'here',
  },
  {
    id: 'CF-007',
    level: 'REC',
    era: 'N',
    says: 'The first listed tool can be called with nothing',
    source: 'CF:server/http-standard-headers.ts',
    scope: 'here',
  },
  {
    id: 'CF-008',
    level: 'SUITE',
    era: 'B',
    says: 'Scenarios that are not scored pass as well',
    source: 'CF: requirements/*.yaml',
    scope: 'here',
  },
]
