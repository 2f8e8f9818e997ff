import type { FileHost } from '../http/download.ts'

/** How the folders of a host are listed: by WebDAV (PROPFIND), or as the page of links that a web server makes. */
export type Listing = 'webdav' | 'html'

export interface RemoteFile {
  name: string
  /** Bytes; a page of links gives none that is exact. */
  size?: number
  /** Changes when the file does. */
  mark: string
}

const MONTH = /^\d{4}-\d{2}$/
const ZIP = /\.zip$/i

/** The months below a folder of the host, newest first. */
export async function listMonths(host: FileHost, listing: Listing, root: string): Promise<string[]> {
  const names = (await list(host, listing, root)).map(({ name }) => name)
  return [...new Set(names.filter((name) => MONTH.test(name)))].sort().reverse()
}

/** The zips of a folder, in order of their names. */
export async function listZips(host: FileHost, listing: Listing, folder: string): Promise<RemoteFile[]> {
  const files = (await list(host, listing, folder)).filter(({ name }) => ZIP.test(name))
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function list(host: FileHost, listing: Listing, folder: string): Promise<RemoteFile[]> {
  const path = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`
  if (listing === 'html') return linksIn(await host.text('GET', path))
  return responsesIn(await host.text('PROPFIND', path, { depth: '1' }))
}

/** The responses of a multistatus, whatever prefix its namespace has. */
export function responsesIn(xml: string): RemoteFile[] {
  return [...xml.matchAll(/<(?:[\w-]+:)?response\b[^>]*>([\s\S]*?)<\/(?:[\w-]+:)?response>/g)].flatMap(
    ([, response]) => {
      const name = nameOf(textOf(response!, 'href') ?? '')
      const length = textOf(response!, 'getcontentlength')
      const size = length === undefined || !/^\d+$/.test(length) ? undefined : Number(length)
      const mark = [textOf(response!, 'getetag'), textOf(response!, 'getlastmodified'), length].join(' ')
      return name === undefined ? [] : [{ name, size, mark }]
    },
  )
}

/** The links of a web server's page of a folder, with what it says beside each (date and rounded size). */
export function linksIn(html: string): RemoteFile[] {
  return [...html.matchAll(/<a\s[^>]*?href\s*=\s*["']?([^"'\s>]+)["']?[^>]*>[\s\S]*?<\/a>([^\n]*)/gi)].flatMap(
    ([, href, rest]) => {
      const name = href!.startsWith('?') ? undefined : nameOf(unescaped(href!))
      return name === undefined
        ? []
        : [
            {
              name,
              mark: rest!
                .replace(/<[^>]*>|&nbsp;/g, ' ')
                .replace(/\s+/g, ' ')
                .trim(),
            },
          ]
    },
  )
}

function textOf(xml: string, tag: string): string | undefined {
  const found = new RegExp(`<(?:[\\w-]+:)?${tag}\\b[^>]*>([^<]*)<`).exec(xml)?.[1]
  return found === undefined ? undefined : unescaped(found.trim())
}

/** The last part of a path or address: `2026-08` of `/public.php/webdav/2026-08/`. */
function nameOf(href: string): string | undefined {
  const path = href.replace(/[?#].*$/, '').replace(/\/$/, '')
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)) || undefined
  } catch {
    return undefined
  }
}

function unescaped(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => named[name]!)
}
