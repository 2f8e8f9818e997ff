import { CrmError } from '../../define.ts'
import { bodyOf, type Client, troubleOf } from './client.ts'

export type Found = Readonly<Record<string, unknown>>

/** Longer ones do not fit into an address and are sent inside a body. */
const LONGEST = 12_000

/** A text inside SOQL. */
export function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`
}

export const listed = (texts: readonly string[]): string => `(${texts.map(quoted).join(', ')})`

/** What `LIKE` takes as it is. */
export const likened = (text: string): string => quoted(text).slice(1, -1).replace(/[%_]/g, '\\$&')

/** All pages of a query. `all`: what is in the recycle bin, and what was merged away, too. */
export async function* query(client: Client, soql: string, all = false): AsyncGenerator<readonly Found[]> {
  const path = client.path(all ? '/queryAll' : '/query')
  let page = soql.length > LONGEST ? await inside(client, path, soql) : await get(client, path, { q: soql })
  for (;;) {
    yield page.records
    if (page.nextRecordsUrl === undefined) return
    page = await get(client, page.nextRecordsUrl)
  }
}

interface Page {
  records: Found[]
  nextRecordsUrl?: string
}

async function get(client: Client, path: string, params: Record<string, string> = {}): Promise<Page> {
  const answer = await client.ask({ path, query: params })
  return pageOf(answer.status, bodyOf(answer))
}

async function inside(client: Client, path: string, soql: string): Promise<Page> {
  const url = `${path}?q=${encodeURIComponent(soql)}`
  const body = { compositeRequest: [{ method: 'GET', url, referenceId: 'query' }] }
  const answer = await client.ask({ method: 'POST', path: client.path('/composite'), body })
  const told = bodyOf(answer) as { compositeResponse?: { httpStatusCode: number; body: unknown }[] }
  const [first] = told.compositeResponse ?? []
  return pageOf(first?.httpStatusCode ?? answer.status, first?.body ?? told)
}

function pageOf(status: number, body: unknown): Page {
  if (status === 200) return body as Page
  const { errorCode, message } = troubleOf(body)
  throw new CrmError(
    `Salesforce does not answer a query (${errorCode}: ${message.trim()}). Check the permissions of the integration user`,
  )
}
