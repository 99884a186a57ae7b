/**
 * The official client's OAuth, which most of the flow stands on. It is loaded when a server needs it:
 * a house without protected servers starts without it.
 */
export const oauth = () => import('@modelcontextprotocol/client')

export type {
  AuthorizationServerMetadata,
  FetchLike,
  OAuthClientInformationMixed,
  OAuthClientProvider,
  OAuthTokens,
} from '@modelcontextprotocol/client'
