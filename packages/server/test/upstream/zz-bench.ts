import { systemWorld } from '/work/main/packages/server/src/base/index.ts'
import { silentLog } from '/work/main/packages/server/src/telemetry/index.ts'
import { makeUpstream, startKeeper } from '/work/main/packages/server/src/upstream/index.ts'
import { Pool } from '/work/main/packages/server/node_modules/undici/index.js'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { createServer } from 'node:http'
if (!isMainThread) {
  const s = createServer((req, res) => { let b=''; req.on('data', (c) => b += c).on('end', () => {
    const m = JSON.parse(b); if (m.id === undefined) { res.writeHead(202).end(); return }
    const result = m.method === 'server/discover' ? { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } : { resultType: 'complete', content: [{ type: 'text', text: 'x'.repeat(200) }] }
    const t = JSON.stringify({ jsonrpc: '2.0', id: m.id, result }); res.writeHead(200, { 'content-type': 'application/json', 'content-length': t.length }).end(t) }) })
  s.listen(0, '127.0.0.1', () => parentPort.postMessage(s.address().port))
} else {
  const w = new Worker(new URL(import.meta.url)); const port = await new Promise((r) => w.once('message', r))
  const keeper = startKeeper(systemWorld)
  const mk = (transport) => makeUpstream({ world: systemWorld, log: silentLog, keeper, onEvent: () => {} }, { id: 'b', transport, era: 'auto', start: 'demand', callTimeoutMs: 60000, idleMs: 0, messageBytesMax: 1e7 })
  const up = mk({ kind: 'http', url: `http://127.0.0.1:${port}/mcp`, headers: {} })
  await up.introduce()
  const sig = new AbortController().signal
  const ex = () => ({ owner: 'a', capabilities: {}, clientInfo: undefined, wantsProgress: false, logLevel: undefined, signal: new AbortController().signal, progress() {}, log() {}, ask: async () => ({}), elicitationComplete() {}, dispatched() {} })
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 256 })
  const run = async (name, one, n = 20000, c = 64) => { const t = performance.now(); let left = n; await Promise.all(Array.from({ length: c }, async () => { while (left-- > 0) await one() })); const s = (performance.now() - t) / 1000; console.log(name, c, Math.round(n / s), '/s') }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: { a: 'y'.repeat(100) }, _meta: { x: 1 } } })
  for (const c of [64, 64, 1]) {
    await run('raw pool.request+json', async () => { const r = await pool.request({ method: 'POST', path: '/mcp', body, headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' } }); await r.body.json() }, c === 1 ? 5000 : 20000, c)
    await run('upstream http', () => up.call({ method: 'tools/call', params: { name: 'x', arguments: { a: 'y'.repeat(100) } } }, ex()), c === 1 ? 5000 : 20000, c)
  }
  const st = mk({ kind: 'stdio', process: { command: process.execPath, args: ['-e', `let b='';process.stdin.on('data',c=>{b+=c;let i;while((i=b.indexOf('\\n'))>=0){const m=JSON.parse(b.slice(0,i));b=b.slice(i+1);const result=m.method==='server/discover'?{resultType:'complete',supportedVersions:['2026-07-28'],capabilities:{}}:{resultType:'complete',content:[{type:'text',text:'x'.repeat(200)}]};if(m.id!==undefined)process.stdout.write(JSON.stringify({jsonrpc:'2.0',id:m.id,result})+'\\n')}}).on('end',()=>process.exit())`], env: {} } })
  await st.introduce()
  for (const c of [64, 64, 1]) await run('stdio', () => st.call({ method: 'tools/call', params: { name: 'x', arguments: { a: 'y'.repeat(100) } } }, ex()), c === 1 ? 5000 : 40000, c)
  await st.close(); await up.close(); await pool.close(); await keeper.close(); await w.terminate()
}
