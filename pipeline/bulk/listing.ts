import { Parser } from 'htmlparser2'
import { SaxesParser } from 'saxes'

export interface RemoteFile {
  name: string
  /** Bytes; a page of links gives none that is exact. */
  size?: number
  /** Changes when the file does. */
  mark: string
}

/** The responses of a multistatus, whatever prefix its namespace has. */
export function responsesIn(xml: string): RemoteFile[] {
  const parser = new SaxesParser({ xmlns: true })
  const found: RemoteFile[] = []
  let told: Record<string, string> | undefined
  let text = ''
  parser.on('opentag', ({ local }) => {
    if (local === 'response') told = {}
    text = ''
  })
  parser.on('text', (more) => {
    text += more
  })
  parser.on('cdata', (more) => {
    text += more
  })
  parser.on('closetag', ({ local }) => {
    if (told === undefined) return
    // Properties the host does not have are listed too, empty, below another status.
    if (text.trim() !== '') told[local] ??= text.trim()
    text = ''
    if (local !== 'response') return
    const { href = '', getcontentlength: length, getetag, getlastmodified } = told
    told = undefined
    const name = nameOf(href)
    const size = length === undefined || !/^\d+$/.test(length) ? undefined : Number(length)
    if (name !== undefined) found.push({ name, size, mark: [getetag, getlastmodified, length].join(' ') })
  })
  // What follows an error is no listing: nothing after it counts, and a month that lacks files is not taken.
  let broken = false
  parser.on('error', () => {
    broken = true
  })
  parser.write(xml).close()
  return broken ? [] : found
}

/** The links of a web server's page of a folder, with what it says beside each on its line (date and rounded size). */
export function linksIn(html: string): RemoteFile[] {
  const found: RemoteFile[] = []
  let beside: RemoteFile | undefined
  let isLinkText = false
  const parser = new Parser({
    onopentag(tag, { href }) {
      if (tag !== 'a') return
      const name = href === undefined || href.startsWith('?') ? undefined : nameOf(href.trim())
      beside = name === undefined ? undefined : { name, mark: '' }
      isLinkText = true
      if (beside !== undefined) found.push(beside)
    },
    onclosetag(tag) {
      if (tag === 'a') isLinkText = false
    },
    ontext(text) {
      if (isLinkText || beside === undefined) return
      const [line = '', ...next] = text.split('\n')
      beside.mark = `${beside.mark} ${line}`.replace(/\s+/g, ' ').trim()
      if (next.length > 0) beside = undefined
    },
  })
  parser.end(html)
  return found
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
