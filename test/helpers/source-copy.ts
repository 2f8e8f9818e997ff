import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { projectFiles, ROOT } from './source-tree.ts'

/** The whole repository, code too, in a throw-away folder with some files replaced or changed: for plug-ins that only a test has. */
export function sourceCopy(files: Record<string, string | ((text: string) => string)>): string {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-source-'))
  for (const path of projectFiles()) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    cpSync(join(ROOT, path), join(root, path))
  }
  mkdirSync(join(root, 'node_modules'))
  for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => !/^\.(cache|vite)/.test(each)))
    symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    const made = typeof text === 'string' ? text : text(readFileSync(join(root, path), 'utf8'))
    writeFileSync(join(root, path), made)
  }
  return root
}

/** Puts something in a place of a text that is there once. */
export function put(text: string, place: string, instead: string): string {
  const parts = text.split(place)
  if (parts.length !== 2) throw new Error(`${parts.length - 1} places, not one, look like ${place}`)
  return parts.join(instead)
}
