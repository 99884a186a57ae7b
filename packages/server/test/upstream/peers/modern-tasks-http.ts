import { decodeHeaderValue } from '@countersign/contract'
import { listen, type HttpPeer } from './legacy-http.ts'
import { answerModern, type Shelf } from './modern-tasks-server.ts'

/** The modern tasks peer over HTTP, every answer JSON. */
export function serveModernTasks(shelf: Shelf, port = 0): Promise<HttpPeer> {
  return listen((request, response) => {
    const act = async (): Promise<void> => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const { 'mcp-method': method, 'mcp-name': name } = request.headers
      const headers = {
        'mcp-method': method,
        'mcp-name': typeof name === 'string' ? decodeHeaderValue(name) : undefined,
      }
      const said = answerModern(shelf, JSON.parse(body), headers)
      response.writeHead(said ? 200 : 202, { 'content-type': 'application/json' })
      response.end(said && JSON.stringify(said))
    }
    void act()
  }, port)
}
