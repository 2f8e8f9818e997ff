// Requests to a server on this machine that allows 20 a second (in any second, not on average) and answers after 150 ms:
// how much longer than the limit permits, and how many 429 it provokes. The layer is the product's own, with a real clock,
// the pace in a file as in a run, and the ledger in memory. node bench/pacing.mjs [requests] (10000: 8.5 minutes)
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const requests = Number(process.argv[2] ?? 400)
const PER_SECOND = 20
const LATENCY_MS = 150

if (process.argv[2] === 'server') await serve()

const folder = mkdtempSync(join(root, 'node_modules', '.bench-pacing-'))
const outfile = join(folder, 'layer.mjs')
await build({
  absWorkingDir: root,
  stdin: {
    contents: `export { httpWorld } from './test/helpers/http-world.ts'; export { filePaces } from './pipeline/http/pace-store.ts'`,
    resolveDir: root,
  },
  ...{ outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' },
})
const { httpWorld, filePaces } = await import(pathToFileURL(outfile).href)

const server = fork(fileURLToPath(import.meta.url), ['server'])
const told = () => new Promise((resolve) => server.once('message', resolve))
const { port } = await told()

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const clock = { now: () => new Date(), sleep }
const paces = mkdtempSync(join(tmpdir(), 'lead-engine-pacing-'))
const as_of = new Date().toISOString().slice(0, 10)
const { http, database } = await httpWorld({
  ...clock,
  as_of,
  ...(process.env.MEM ? {} : { pace: (service) => filePaces(join(paces, `${service}.json`), clock) }),
})
const service = http({
  service: 'local',
  base_url: `http://127.0.0.1:${port}`,
  limits: { per_second: PER_SECOND },
})
const started = performance.now()
const cpu = process.cpuUsage()
let done=0,last=0;const lags=[];let lt=performance.now();setInterval(()=>{const n=performance.now();lags.push(n-lt-1000);lt=n},1000).unref();setInterval(()=>{lags.sort((a,b)=>a-b);console.log(((performance.now()-started)/1000).toFixed(0),done,done-last,'lag p50',lags[lags.length>>1]?.toFixed(1),'p99',lags[Math.floor(lags.length*.99)]?.toFixed(0),'max',lags.at(-1)?.toFixed(0),'rss',(process.memoryUsage().rss/1e6)|0);last=done;lags.length=0},10000).unref()
await Promise.all(Array.from({ length: requests }, (_, n) => service.send({ path: `/companies/${n}`, ttl_days: 1 }).then(()=>done++)))
const seconds = (performance.now() - started) / 1000
const used = process.cpuUsage(cpu)
server.send('count')
const { refused } = await told()
const floor = (requests - 1) / PER_SECOND + LATENCY_MS / 1000
console.log(
  `${requests} requests to a server that allows ${PER_SECOND} in any second and answers after ${LATENCY_MS} ms`,
)
console.log(`the limit permits       ${floor.toFixed(2).padStart(8)} s`)
console.log(
  `took                    ${seconds.toFixed(2).padStart(8)} s   ${((seconds / floor - 1) * 100).toFixed(1)} % more (goal: at most 5 %)`,
)
console.log(`429 provoked            ${String(refused).padStart(8)}     (goal: none)`)
console.log(`CPU of the layer        ${((used.user + used.system) / 1e6).toFixed(2).padStart(8)} s`)
database.close()
server.kill()
for (const path of [folder, paces]) rmSync(path, { recursive: true, force: true })
process.exitCode = refused > 0 || seconds > floor * 1.05 ? 1 : 0

/** In a process of its own, as a vendor's is. Never comes back. */
async function serve() {
  const arrivals = []
  let refused = 0
  const server = createServer((_request, response) => {
    const now = performance.now()
    while (arrivals.length > 0 && arrivals[0] <= now - 1000) arrivals.shift()
    if (arrivals.length >= PER_SECOND) {
      refused++
      response.writeHead(429).end()
      return
    }
    arrivals.push(now)
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'), LATENCY_MS)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.on('message', () => process.send({ refused }))
  process.send({ port: server.address().port })
  await new Promise(() => {})
}
