import { closeSync, openSync, readSync } from 'node:fs'

/** The column names in a CSV's first line. */
export function csvHeader(path: string, delimiter: string): string[] {
  const line = firstLine(path)
  const names: string[] = []
  let name = ''
  let quoted = false
  for (let index = 0; index < line.length; index++) {
    const character = line[index]!
    if (character === '"') {
      if (quoted && line[index + 1] === '"') {
        name += '"'
        index++
      } else quoted = !quoted
    } else if (character === delimiter && !quoted) {
      names.push(name)
      name = ''
    } else name += character
  }
  return [...names, name].map((text) => text.trim())
}

function firstLine(path: string): string {
  const buffer = Buffer.alloc(65_536)
  const handle = openSync(path, 'r')
  const length = readSync(handle, buffer, 0, buffer.length, 0)
  closeSync(handle)
  const text = buffer.toString('utf8', 0, length).replace(/^\uFEFF/, '')
  return text.split(/\r?\n/, 1)[0] ?? ''
}
