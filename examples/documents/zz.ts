import { startLife } from '/work/main/test/e2e/killable.ts'
import { DatabaseSync } from 'node:sqlite'
import fs from 'node:fs'
fs.rmSync('/tmp/ex/ee',{recursive:true,force:true})
for (const kill of [false,true]) {
const data='/tmp/ex/ee/'+kill
const args=['/work/main/examples/documents/server.ts','--folder','/tmp/ex/big','--data',data]
const count=()=>{ const db=new DatabaseSync(data+'/documents.db',{readOnly:true}); const n=db.prepare('select count(*) n from documents').get(); db.close(); return n}
let a=await startLife(args)
const t=await a.begin('index_documents',{})
await a.until(/c12/)
console.log('count', count())
await a.cancel(t)
console.log('cancelled, count', count(), a.said.length)
if (kill) { await a.kill(); a=await startLife(args) }
for (let i=0;i<10;i++) { await new Promise(r=>setTimeout(r,500)); console.log(count(), a.said.length) }
console.log(await a.finish(t).catch(String))
await a[Symbol.asyncDispose]()
const db=new DatabaseSync(data+'/tasks/'+fs.readdirSync(data+'/tasks').find(f=>/\.(db|sqlite)$/.test(f)),{readOnly:true})
console.log(fs.readdirSync(data+'/tasks'), db.prepare("select name from sqlite_master where type='table'").all())
try { console.log(db.prepare("select * from tasks").all()) } catch(e) {console.log(e)}
}
