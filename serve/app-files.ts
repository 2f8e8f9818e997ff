import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { filesBelow } from './app-build.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The pages of the dashboard; each is the same file, which reads the address. */
const PAGE = /^\/(|leads(\/[^/]+)?|outreach|day|crm|review|pipeline|scores|ask)$/

/** Answers from memory: the dashboard's files by their path, its page for the address of each page; undefined for anything else. */
export function appFiles(folder: string): (path: string, acceptEncoding: string) => Response | undefined {
  const files = new Map(
    filesBelow(folder).map((path) => {
      const plain = readFileSync(join(folder, path))
      const headers = {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'cache-control': path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'accept-encoding',
      }
      return [`/${path.replaceAll('\\', '/')}`, { plain, packed: gzipSync(plain), headers }]
    }),
  )
  return (path, acceptEncoding) => {
    const file = files.get(PAGE.test(path) ? '/index.html' : path)
    if (file === undefined) return undefined
    const { plain, packed, headers } = file
    if (!/\bgzip\b/.test(acceptEncoding)) return new Response(new Uint8Array(plain), { headers })
    return new Response(new Uint8Array(packed), { headers: { ...headers, 'content-encoding': 'gzip' } })
  }
}
