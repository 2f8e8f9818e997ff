#!/usr/bin/env node
// Bundles the TypeScript once per content and runs the bundle: no build step, and start-up close to bare Node.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`pipeline needs Node 20.19 or newer; this is ${process.version}.`)
  process.exit(2)
}

const ROOMS = ['cli', 'ingest', 'outreach', 'pipeline', 'scoring', 'serve', 'sync']
const cache = join(root, 'node_modules', '.cache', 'lead-engine')
const bundle = join(cache, contentKey())
if (!existsSync(join(bundle, 'main.js'))) await build()
// The help needs every command's file; what it came to is kept beside the bundle, for each width of a terminal.
const words = process.argv.slice(2)
const help = join(bundle, `help-${process.stdout.columns ?? 80}.txt`)
if (words.length === 1 && ['--help', '-h'].includes(words[0]) && existsSync(help))
  process.stdout.write(readFileSync(help))
else await import(pathToFileURL(join(bundle, 'main.js')).href)

// The key is the content of every file. Reading them all is skipped while none has another size or time than last time.
function contentKey() {
  const files = [join(root, 'package-lock.json'), ...ROOMS.flatMap((room) => sources(join(root, room)))]
  const seen = createHash('sha256').update(process.version)
  for (const file of files) {
    const { size, mtimeNs, ino } = statSync(file, { bigint: true })
    seen.update(`${file}\0${size}\0${mtimeNs}\0${ino}\n`)
  }
  const stamp = join(cache, 'stamp')
  const now = seen.digest('hex')
  const [then, key] = existsSync(stamp) ? readFileSync(stamp, 'utf8').split(' ') : []
  if (then === now) return key
  const hash = createHash('sha256').update(process.version)
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file))
  const found = hash.digest('hex').slice(0, 24)
  mkdirSync(cache, { recursive: true })
  writeFileSync(`${stamp}.${process.pid}`, `${now} ${found}`)
  renameSync(`${stamp}.${process.pid}`, stamp)
  return found
}

function sources(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return sources(path)
      return /\.(ts|json)$/.test(entry.name) ? [path] : []
    })
}

// Zod brings its messages in some fifty languages; ours are English, and start-up is short.
function english() {
  return {
    contents: "export { default as en } from './en.js'",
    resolveDir: join(root, 'node_modules', 'zod', 'v4', 'locales'),
  }
}

async function build() {
  const { build: esbuild } = await import('esbuild')
  const draft = `${bundle}.${process.pid}`
  try {
    await esbuild({
      absWorkingDir: root,
      entryPoints: { main: 'cli/main.ts' },
      outdir: draft,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      minify: true,
      keepNames: true,
      sourcemap: 'linked',
      external: ['@duckdb/node-bindings*', 'esbuild', 'vite'],
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      logLevel: 'error',
      plugins: [
        {
          name: 'english-only',
          setup: (build) => build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, english),
        },
      ],
    })
  } catch {
    process.exit(2)
  }
  forgetOld()
  mkdirSync(cache, { recursive: true })
  try {
    renameSync(draft, bundle)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(join(bundle, 'main.js'))) throw error
  }
}

// A bundle of older content stays a while for processes that still load parts of it: a day, an hour beyond the tenth.
function forgetOld() {
  if (!existsSync(cache)) return
  const hour = 3_600_000
  const bundles = readdirSync(cache)
    .filter((name) => !name.startsWith('stamp'))
    .map((name) => ({ path: join(cache, name), age: Date.now() - statSync(join(cache, name)).mtimeMs }))
    .sort((a, b) => a.age - b.age)
  for (const [place, { path, age }] of bundles.entries())
    if (age > (place < 10 ? 24 * hour : hour)) rmSync(path, { recursive: true, force: true })
}
