// `npm ci --omit=dev` without a network: links what the lock file calls production dependencies from the checkout that
// runs the tests, and nothing else, so that a product that needs a development dependency falls down.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const from = resolve(dirname(fileURLToPath(import.meta.url)), '../../node_modules')
const words = process.argv.slice(2)
if (words[0] !== 'ci') throw new Error(`fake npm: ${words.join(' ')}`)
rmSync('node_modules', { recursive: true, force: true })
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
for (const [path, { dev }] of Object.entries(packages)) {
  const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
  if (name === undefined || (dev && words.includes('--omit=dev')) || !existsSync(join(from, name))) continue
  mkdirSync(dirname(join('node_modules', name)), { recursive: true })
  symlinkSync(join(from, name), join('node_modules', name))
}
if (readdirSync('node_modules').length === 0) throw new Error('fake npm: the checkout has no node_modules')
