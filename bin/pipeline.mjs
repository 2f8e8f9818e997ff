#!/usr/bin/env node
// Bundles the TypeScript once per content and runs the bundle: no build step, and start-up close to bare Node.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`pipeline needs Node 20.19 or newer; this is ${process.version}.`)
  process.exit(2)
}

const ROOMS = ['cli', 'ingest', 'outreach', 'pipeline', 'scoring', 'serve', 'sync']
const hash = createHash('sha256').update(process.version)
for (const file of [join(root, 'package-lock.json'), ...ROOMS.flatMap((room) => sources(join(root, room)))]) {
  hash.update(file.slice(root.length)).update(readFileSync(file))
}
const cache = join(root, 'node_modules', '.cache', 'lead-engine')
const bundle = join(cache, hash.digest('hex').slice(0, 24))
if (!existsSync(join(bundle, 'main.js'))) await build()
// The help needs every command's file; what it came to is kept beside the bundle, for each width of a terminal.
const words = process.argv.slice(2)
const help = join(bundle, `help-${process.stdout.columns ?? 80}.txt`)
if (words.length === 1 && ['--help', '-h'].includes(words[0]) && existsSync(help))
  process.stdout.write(readFileSync(help))
else await import(pathToFileURL(join(bundle, 'main.js')).href)

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
      external: ['@duckdb/node-bindings*', 'esbuild'],
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      logLevel: 'error',
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

// A bundle of older content stays a while for processes that still load parts of it.
function forgetOld() {
  if (!existsSync(cache)) return
  const day = 86_400_000
  for (const name of readdirSync(cache)) {
    const path = join(cache, name)
    if (Date.now() - statSync(path).mtimeMs > day) rmSync(path, { recursive: true, force: true })
  }
}
