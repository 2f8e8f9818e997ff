import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join, relative, sep } from 'node:path'

/** A file of the project with its text. */
export interface SourceFile {
  /** Absolute. */
  path: string
  /** Relative to the project folder, with `/`. */
  file: string
  /** Without folder and extension. */
  name: string
  /** Folders between the top folder and the file. */
  folders: string[]
  text: string
}

/** The name of a file without folder and ending: what ref() and property files know it by. */
export function stemOf(file: string): string {
  return basename(file, extname(file))
}

/** Every file below a folder with one of the extensions, in a stable order. */
export function readFiles(root: string, folder: string, extensions: readonly string[]): SourceFile[] {
  const top = join(root, folder)
  if (!existsSync(top)) return []
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.includes(extname(entry.name)) && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => {
      const file = relative(root, path).split(sep).join('/')
      return {
        path,
        file,
        name: basename(path, extname(path)),
        folders: file.split('/').slice(1, -1),
        text: readFileSync(path, 'utf8'),
      }
    })
}
