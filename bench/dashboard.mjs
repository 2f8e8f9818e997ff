// How long a browser takes until a page of the dashboard shows its data, and how much JavaScript it is sent.
// node bench/dashboard.mjs [rounds]; needs Chromium, and builds the mock project of this repository first.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const rounds = Number(process.argv[2] ?? 10)
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const command = join(root, 'bin', 'pipeline.mjs')
spawnSync(process.execPath, [command, 'run', '--quiet', '--project-dir', root])
const server = spawn(process.execPath, [command, 'serve', '--port', '0', '--project-dir', root])
const url = await new Promise((done) => {
  for (const out of [server.stdout, server.stderr])
    out.on('data', (part) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(part)
      if (found !== null) done(found[0])
    })
})
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const pages = {
  '/docs (no script: the floor)': 'h1',
  '/': '.figures',
  '/leads': 'tbody tr',
  '/outreach': 'article',
  '/pipeline': 'tbody tr',
}
const times = Object.fromEntries(Object.keys(pages).map((name) => [name, { paint: [], data: [] }]))
let sent = 0
for (let round = 0; round < rounds; round++) {
  for (const [name, shows] of Object.entries(pages)) {
    const context = await browser.newContext()
    const tab = await context.newPage()
    const start = performance.now()
    await tab.goto(url + name.split(' ')[0])
    await tab.locator(shows).first().waitFor()
    times[name].data.push(performance.now() - start)
    const paint = await tab.evaluate('performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0')
    times[name].paint.push(paint)
    if (name === '/pipeline') {
      await tab.locator('canvas').waitFor()
      sent = await tab.evaluate(
        'performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js")).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)',
      )
    }
    await context.close()
  }
}
await browser.close()
server.kill()
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(0)
for (const [name, { paint, data }] of Object.entries(times))
  console.log(`${name}: first paint ${median(paint)} ms, data shown ${median(data)} ms (medians of ${rounds})`)
console.log(`JavaScript sent, charts included: ${(sent / 1000).toFixed(0)} kB compressed`)
