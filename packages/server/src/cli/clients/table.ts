import type { Client, ClientPlace, FormatName, PathPattern } from './client.ts'

const place =
  (scope: ClientPlace['scope'], format: FormatName, ...key: string[]) =>
  (path: PathPattern): ClientPlace => ({ scope, path, format, key })

const userJson = place('user', 'json', 'mcpServers')
const projectJson = place('project', 'json', 'mcpServers')
const userCode = place('user', 'json', 'servers')

const RESTART = 'Restart it, or reload its servers.'

/**
 * The clients we can read and write. A client that reads several files has them
 * in the order in which people expect to find our entry: its own file first.
 */
export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    places: [
      userJson('{CLAUDE_CONFIG_DIR:-~}/.claude.json'),
      place(
        'project',
        'json',
        'projects',
        '{project}',
        'mcpServers',
      )('{CLAUDE_CONFIG_DIR:-~}/.claude.json'),
      projectJson('{project}/.mcp.json'),
    ],
    styles: ['braces'],
    timeoutUnitMs: 1,
    ours: { type: 'http', url: '{url}' },
    next: 'Close it while its file is changed, then start it again; when it asks for a sign-in: claude mcp login countersign',
  },
  {
    id: 'claude-desktop',
    name: 'Claude Desktop',
    places: [userJson('{config}/Claude/claude_desktop_config.json')],
    styles: [],
    timeoutUnitMs: 1,
    // Its file knows only programs; web addresses are entered under Settings › Connectors.
    ours: { command: '{command}', args: '{args}' },
    next: 'Quit it completely and start it again.',
  },
  {
    id: 'cursor',
    name: 'Cursor',
    places: [userJson('~/.cursor/mcp.json'), projectJson('{project}/.cursor/mcp.json')],
    styles: ['editor'],
    timeoutUnitMs: 1,
    ours: { url: '{url}' },
    next: 'Restart it, or switch countersign on under Settings › MCP.',
  },
  {
    id: 'vscode',
    name: 'VS Code',
    places: [
      userCode('{config}/Code/User/mcp.json'),
      userCode('~/.vscode-server/data/User/mcp.json'),
      place('project', 'json', 'servers')('{project}/.vscode/mcp.json'),
    ],
    styles: ['editor'],
    timeoutUnitMs: 1,
    ours: { type: 'http', url: '{url}' },
    next: 'Run "MCP: List Servers" and start countersign.',
  },
  {
    id: 'vscode-insiders',
    name: 'VS Code Insiders',
    places: [userCode('{config}/Code - Insiders/User/mcp.json')],
    styles: ['editor'],
    timeoutUnitMs: 1,
    ours: { type: 'http', url: '{url}' },
    next: 'Run "MCP: List Servers" and start countersign.',
  },
  {
    id: 'visual-studio',
    name: 'Visual Studio',
    places: [userCode({ win32: '~/.mcp.json' })],
    styles: ['editor'],
    timeoutUnitMs: 1,
    ours: { type: 'http', url: '{url}' },
    next: RESTART,
  },
  {
    id: 'codex',
    name: 'Codex',
    places: [
      place('user', 'toml', 'mcp_servers')('{CODEX_HOME:-~/.codex}/config.toml'),
      place('project', 'toml', 'mcp_servers')('{project}/.codex/config.toml'),
    ],
    styles: [],
    timeoutUnitMs: 1_000,
    ours: { url: '{url}' },
    next: 'Close it while its file is changed, then start it again; when it asks for a sign-in: codex mcp login countersign',
  },
  {
    id: 'gemini',
    name: 'Gemini CLI',
    places: [userJson('~/.gemini/settings.json'), projectJson('{project}/.gemini/settings.json')],
    styles: ['braces', 'dollar'],
    timeoutUnitMs: 1,
    // Its plain `url` means HTTP+SSE of 2024-11-05.
    ours: { httpUrl: '{url}' },
    next: 'Start it again; when it asks for a sign-in: /mcp auth countersign',
  },
  {
    id: 'opencode',
    name: 'opencode',
    places: [
      place('user', 'json', 'mcp')('{xdg}/opencode/opencode.json'),
      place('user', 'json', 'mcp')('{xdg}/opencode/opencode.jsonc'),
      place('project', 'json', 'mcp')('{project}/opencode.json'),
      place('project', 'json', 'mcp')('{project}/opencode.jsonc'),
    ],
    styles: ['curly'],
    timeoutUnitMs: 1,
    ours: { type: 'remote', url: '{url}', enabled: true },
    next: 'Start it again; when it asks for a sign-in: opencode mcp auth countersign',
  },
  {
    id: 'copilot',
    name: 'Copilot CLI',
    places: [
      userJson('{COPILOT_HOME:-~/.copilot}/mcp-config.json'),
      projectJson('{project}/.github/mcp.json'),
    ],
    styles: ['braces'],
    timeoutUnitMs: 1,
    ours: { type: 'http', url: '{url}', tools: ['*'] },
    next: 'Start it again.',
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    places: [
      userJson('~/.codeium/windsurf/mcp_config.json'),
      userJson('~/.codeium/mcp_config.json'),
    ],
    styles: ['braces', 'editor'],
    timeoutUnitMs: 1,
    ours: { serverUrl: '{url}' },
    next: 'Press Refresh under Settings › Cascade › MCP Servers.',
  },
  {
    id: 'zed',
    name: 'Zed',
    places: [
      place(
        'user',
        'json',
        'context_servers',
      )({
        linux: '{xdg}/zed/settings.json',
        darwin: '~/.config/zed/settings.json',
        win32: '{config}/Zed/settings.json',
      }),
      place('project', 'json', 'context_servers')('{project}/.zed/settings.json'),
    ],
    styles: [],
    timeoutUnitMs: 1_000,
    ours: { url: '{url}' },
    next: 'Nothing: it notices by itself.',
  },
  {
    id: 'cline',
    name: 'Cline',
    places: [
      userJson(
        '{config}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
      ),
      userJson('~/.cline/data/settings/cline_mcp_settings.json'),
    ],
    styles: ['editor'],
    timeoutUnitMs: 1_000,
    // Without a type it takes a URL for HTTP+SSE.
    ours: { type: 'streamableHttp', url: '{url}' },
    locks: true,
    next: 'Press Restart beside countersign in its MCP Servers.',
  },
  {
    id: 'roo',
    name: 'Roo Code',
    places: [
      userJson(
        '{config}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json',
      ),
      projectJson('{project}/.roo/mcp.json'),
    ],
    styles: ['editor'],
    timeoutUnitMs: 1_000,
    ours: { type: 'streamable-http', url: '{url}' },
    next: 'Press Refresh MCP Servers.',
  },
  {
    id: 'goose',
    name: 'Goose',
    places: [
      place(
        'user',
        'yaml',
        'extensions',
      )({
        linux: '{xdg}/goose/config.yaml',
        darwin: '~/.config/goose/config.yaml',
        win32: '{APPDATA:-~/AppData/Roaming}/Block/goose/config/config.yaml',
      }),
      place('project', 'yaml', 'extensions')('{project}/.goose/config.yaml'),
    ],
    styles: ['braces'],
    timeoutUnitMs: 1_000,
    ours: {
      name: 'countersign',
      type: 'streamable_http',
      uri: '{url}',
      enabled: true,
      timeout: 300,
    },
    next: 'Start a new session.',
  },
  {
    id: 'lm-studio',
    name: 'LM Studio',
    places: [userJson('~/.lmstudio/mcp.json')],
    styles: [],
    timeoutUnitMs: 1,
    ours: { url: '{url}' },
    next: 'Nothing: it notices by itself.',
  },
  {
    id: 'kiro',
    name: 'Kiro',
    places: [
      userJson('~/.kiro/settings/mcp.json'),
      projectJson('{project}/.kiro/settings/mcp.json'),
    ],
    styles: ['braces'],
    timeoutUnitMs: 1,
    ours: { url: '{url}' },
    next: 'Nothing: it notices by itself.',
  },
  {
    id: 'junie',
    name: 'Junie',
    places: [userJson('~/.junie/mcp/mcp.json'), projectJson('{project}/.junie/mcp/mcp.json')],
    styles: [],
    timeoutUnitMs: 1,
    ours: { url: '{url}' },
    next: RESTART,
  },
  {
    id: 'antigravity',
    name: 'Antigravity',
    places: [
      userJson('~/.gemini/config/mcp_config.json'),
      userJson('~/.gemini/antigravity/mcp_config.json'),
    ],
    styles: [],
    timeoutUnitMs: 1,
    ours: { serverUrl: '{url}' },
    next: 'Press Refresh under Manage MCP Servers.',
  },
  {
    id: 'amp',
    name: 'Amp',
    places: [place('user', 'json', 'amp.mcpServers')('{xdg}/amp/settings.json')],
    styles: ['braces'],
    timeoutUnitMs: 1,
    ours: { url: '{url}' },
    next: RESTART,
  },
  {
    id: 'kimi',
    name: 'Kimi CLI',
    places: [userJson('~/.kimi/mcp.json')],
    styles: [],
    timeoutUnitMs: 1,
    ours: { url: '{url}' },
    next: RESTART,
  },
  {
    id: 'factory',
    name: 'Factory',
    places: [userJson('~/.factory/mcp.json'), projectJson('{project}/.factory/mcp.json')],
    styles: ['braces'],
    timeoutUnitMs: 1,
    ours: { type: 'http', url: '{url}' },
    next: RESTART,
  },
]
