import type { FileHost } from '../http/download.ts'
import type { RemoteFile } from './listing.ts'

/** How the folders of a host are listed: by WebDAV (PROPFIND), or as the page of links that a web server makes. */
export type Listing = 'webdav' | 'html'

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
  const { linksIn, responsesIn } = await import('./listing.ts')
  if (listing === 'html') return linksIn(await host.text('GET', path))
  return responsesIn(await host.text('PROPFIND', path, { depth: '1' }))
}
