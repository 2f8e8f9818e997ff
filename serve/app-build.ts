import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder with the built dashboard, built once per content of `serve/app` and of what it is built with. */
export async function builtApp(root: string): Promise<string> {
  const from = join(root, 'serve', 'app')
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  for (const path of filesBelow(from)) hash.update(`${path}\0`).update(readFileSync(join(from, path)))
  const built = join(root, 'node_modules', '.cache', 'lead-engine-app', hash.digest('hex').slice(0, 24))
  if (existsSync(join(built, 'index.html'))) return built
  const draft = `${built}.${process.pid}`
  mkdirSync(dirname(built), { recursive: true })
  try {
    const { build } = await import('vite')
    await build({
      root: from,
      configFile: false,
      envFile: false,
      logLevel: 'error',
      mode: 'production',
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      // Nothing is inlined: the content security policy lets no data: script or style through.
      build: {
        outDir: draft,
        emptyOutDir: true,
        assetsInlineLimit: 0,
        target: 'es2022',
        modulePreload: false,
      },
    })
    renameSync(draft, built)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(join(built, 'index.html'))) throw error
  }
  forgetOld(built)
  return built
}

/** Relative paths, in order. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** A server holds its files in memory, so that the folder of another content is of no use to anybody. */
function forgetOld(built: string): void {
  const cache = dirname(built)
  for (const name of readdirSync(cache))
    if (/^[0-9a-f]{24}$/.test(name) && join(cache, name) !== built)
      rmSync(join(cache, name), { recursive: true, force: true })
}
