// What both fixture servers offer: names, schemas and bytes, as literal as the suite wants them.

export const IMPLEMENTATION = { name: 'countersign-conformance-fixture', version: '1.0.0' }

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA='

type Content =
  | { type: 'text'; text: string }
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'audio'; data: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; text: string } }

export type ToolResult = { content: Content[]; isError?: boolean }

/** Arguments, answers and metadata arrive from the wire: nothing is known about their members. */
export type Loose = Record<string, unknown>

export type ToolDeclaration = {
  name: string
  description: string
  inputSchema: Loose & { type: 'object' }
}

export const text = (words: string): ToolResult => ({ content: [{ type: 'text', text: words }] })

const NOTHING: ToolDeclaration['inputSchema'] = { type: 'object', properties: {} }
const oneString = (name: string, description: string): ToolDeclaration['inputSchema'] => ({
  type: 'object',
  properties: { [name]: { type: 'string', description } },
  required: [name],
})

/** Every keyword here must reach the client verbatim (SEP-1613, SEP-2106). */
const SCHEMA_2020_12: ToolDeclaration['inputSchema'] = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // oxlint-disable-next-line unicorn/no-thenable -- the JSON Schema keyword, not a promise
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

/** `region` is mirrored into `Mcp-Param-Region` by modern clients over HTTP (SEP-2243). */
const MIRRORED: ToolDeclaration['inputSchema'] = {
  type: 'object',
  properties: {
    region: { type: 'string', description: 'Mirrored into a header', 'x-mcp-header': 'Region' },
    level: { type: 'integer', description: 'Not mirrored' },
  },
}

/** Results that never vary. */
export const FIXED_RESULTS: Readonly<Record<string, ToolResult>> = {
  test_simple_text: text('This is a simple text response for testing.'),
  test_image_content: { content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] },
  test_audio_content: { content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] },
  test_embedded_resource: {
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  },
  test_multiple_content_types: {
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: PNG, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  },
  test_error_handling: {
    ...text('This tool intentionally returns an error for testing'),
    isError: true,
  },
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  test_simple_text: 'Answers with one text',
  test_image_content: 'Answers with an image',
  test_audio_content: 'Answers with audio',
  test_embedded_resource: 'Answers with an embedded resource',
  test_multiple_content_types: 'Answers with text, an image and a resource',
  test_error_handling: 'Always fails, as a tool result',
  test_tool_with_logging: 'Logs three times while it runs',
  test_tool_with_progress: 'Reports progress three times while it runs',
  test_logging_tool: 'Logs once, if the request allows it',
  test_reconnection: 'Hangs up mid-call; the result waits for the client to come back',
  test_trigger_tool_change: 'Announces that the tool list changed',
  test_trigger_prompt_change: 'Announces that the prompt list changed',
  test_elicitation_sep1034_defaults: 'Asks for a form with default values',
  test_elicitation_sep1330_enums: 'Asks for a form with each kind of choice',
  test_missing_capability: 'Needs a sampling client',
  test_streaming_elicitation: 'Asks for a name on the response stream',
  test_input_required_result_elicitation: 'Asks for a name',
  test_input_required_result_sampling: 'Asks the client model a question',
  test_input_required_result_list_roots: 'Asks for the client roots',
  test_input_required_result_request_state: 'Asks for confirmation and keeps sealed state',
  test_input_required_result_multiple_inputs: 'Asks three things at once',
  test_input_required_result_multi_round: 'Asks twice, one after the other',
  test_input_required_result_tampered_state: 'Refuses state it did not seal',
  test_input_required_result_capabilities: 'Asks only what the client can answer',
  failing_job: 'Fails after a while, as a tool result',
  protocol_error_job: 'Fails after a while, as an error of the protocol',
  confirm_delete: 'Asks for a confirmation after a while',
  multi_input: 'Asks two things at once after a while',
  test_tool_with_task: 'Asks for a name at once, and takes a while then',
}

const WITH_ARGUMENTS: readonly ToolDeclaration[] = [
  {
    name: 'greet',
    description: 'Greets by name',
    inputSchema: oneString('name', 'Whom to greet'),
  },
  {
    name: 'json_schema_2020_12_tool',
    description: 'Takes JSON Schema 2020-12 arguments',
    inputSchema: SCHEMA_2020_12,
  },
  {
    name: 'test_sampling',
    description: 'Asks the client model to complete a prompt',
    inputSchema: oneString('prompt', 'The prompt to complete'),
  },
  {
    name: 'test_elicitation',
    description: 'Asks the user for a name and an address',
    inputSchema: oneString('message', 'What the user is told'),
  },
  {
    name: 'slow_compute',
    description: 'Takes as many seconds as it is told, at most five, and a little more',
    inputSchema: {
      type: 'object',
      properties: { seconds: { type: 'number' }, label: { type: 'string' } },
    },
  },
  {
    name: 'test_x_mcp_header',
    description: 'Has one argument that travels in a header too',
    inputSchema: MIRRORED,
  },
]

export const TOOLS: readonly ToolDeclaration[] = [
  ...WITH_ARGUMENTS,
  ...Object.entries(DESCRIPTIONS).map(([name, description]) => ({
    name,
    description,
    inputSchema: NOTHING,
  })),
]

export const STATIC_RESOURCES = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    description: 'A static text',
    mimeType: 'text/plain',
    content: { text: 'This is the content of the static text resource.' },
  },
  {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'A static image',
    mimeType: 'image/png',
    content: { blob: PNG },
  },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'A resource one can subscribe to',
    mimeType: 'text/plain',
    content: { text: 'Watched resource content' },
  },
] as const

export const TEMPLATE = {
  uriTemplate: 'test://template/{id}/data',
  name: 'template',
  description: 'Data by id',
  mimeType: 'application/json',
}

export const templateContents = (uri: string, id: string) => [
  {
    uri,
    mimeType: TEMPLATE.mimeType,
    text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  },
]

type PromptContent = Extract<Content, { type: 'text' | 'image' | 'resource' }>
type PromptMessage = { role: 'user'; content: PromptContent }

export type PromptDeclaration = {
  name: string
  description: string
  arguments: { name: string; description: string; required: true }[]
  /** Absent where the words depend on an answer of the user. */
  messages?: (args: Readonly<Record<string, string>>) => PromptMessage[]
}

const says = (content: PromptContent): PromptMessage => ({ role: 'user', content })
const required = (name: string, description: string) => ({
  name,
  description,
  required: true as const,
})

export const userText = (words: string): PromptMessage => says({ type: 'text', text: words })

export const PROMPTS: readonly PromptDeclaration[] = [
  {
    name: 'test_simple_prompt',
    description: 'A prompt without arguments',
    arguments: [],
    messages: () => [userText('This is a simple prompt for testing.')],
  },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with two arguments',
    arguments: [required('arg1', 'The first'), required('arg2', 'The second')],
    messages: ({ arg1, arg2 }) => [
      userText(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
    ],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt that embeds a resource',
    arguments: [required('resourceUri', 'The resource to embed')],
    messages: ({ resourceUri = '' }) => [
      says({
        type: 'resource',
        resource: {
          uri: resourceUri,
          mimeType: 'text/plain',
          text: 'Embedded resource content for testing.',
        },
      }),
      userText('Please process the embedded resource above.'),
    ],
  },
  {
    name: 'test_prompt_with_image',
    description: 'A prompt with an image',
    arguments: [],
    messages: () => [
      says({ type: 'image', data: PNG, mimeType: 'image/png' }),
      userText('Please analyze the image above.'),
    ],
  },
  {
    name: 'test_input_required_result_prompt',
    description: 'A prompt that asks for context before it can be rendered',
    arguments: [],
  },
]

export const completions = (begun: string) => {
  const values = ['paris', 'park', 'party', 'test'].filter((word) => word.startsWith(begun))
  return { completion: { values, total: values.length, hasMore: false } }
}
