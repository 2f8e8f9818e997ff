import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository whose code is running, whether bundled or not: the folder above with `bin/pipeline.mjs`. */
export function codeRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'bin', 'pipeline.mjs'))) {
    if (folder === parse(folder).root) throw new Error('the program does not lie in its repository')
    folder = dirname(folder)
  }
  return folder
}

/** The names of the plug-ins of a folder: its TypeScript files. */
export function pluginNames(...folder: string[]): string[] {
  return readdirSync(join(codeRoot(), ...folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -3))
    .sort()
}
