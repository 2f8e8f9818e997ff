import { SaxesParser } from 'saxes'

/** Words that say what a company is in law, at the end of its name, in the countries we look in. */
const LEGAL =
  /[\s,.&-]+(ltda|limitada|s\.?\s?a|s\/a|eireli|m\.?e|epp|mei|inc|incorporated|llc|l\.?l\.?c|ltd|limited|corp|corporation|co|company|plc|gmbh|ag|bv|b\.v|nv|sas|sarl|s\.?l|s\.?r\.?l|spa|oy|ab|as|a\/s|pty)\.?$/iu

/** A company's name as newspapers write it: without its legal form, quotes or operators. Undefined when too little is left to look for. */
export function newsName(name: string | null): string | undefined {
  let text = (name ?? '').normalize('NFC').replace(/["“”()<>:|*]/gu, ' ')
  for (let before = ''; before !== text; ) {
    before = text
    text = text.trim().replace(LEGAL, '')
  }
  text = text.replace(/\s+/gu, ' ').trim()
  return [...text].length < 3 ? undefined : text
}

/** Whether a headline names the company, as whole words, whatever the accents and capitals. */
export function names(title: string, name: string): boolean {
  return ` ${plain(title)} `.includes(` ${plain(name)} `)
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

export interface FeedItem {
  guid: string
  title: string
  link: string
  published: string | null
  source: string | null
  source_url: string | null
}

const MOST_BYTES = 5_000_000

/** Some text that is no feed: a wall, a page that wants cookies, a feed that breaks off. */
export class NoFeed extends Error {
  override readonly name = 'NoFeed'
}

/**
 * The items of an RSS 2.0 feed, in its order. Linear in the size of the text; a document type is refused, so that no
 * entity is ever expanded. Throws NoFeed.
 */
export function readFeed(text: string): FeedItem[] {
  if (text.length > MOST_BYTES) throw new NoFeed(`is larger than ${MOST_BYTES / 1e6} MB`)
  if (!looksLikeFeed(text)) throw new NoFeed('is no RSS feed')
  const items: FeedItem[] = []
  const path: string[] = []
  let item: Partial<Record<string, string>> | undefined
  let words = ''
  const parser = new SaxesParser()
  const refuse = (reason: string) => {
    throw new NoFeed(reason)
  }
  parser.on('error', (error) => refuse(`is no well-formed XML: ${error.message}`))
  parser.on('doctype', () => refuse('brings a document type'))
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name)
    words = ''
    if (path.join('/') === 'rss/channel/item') item = {}
    if (item !== undefined && path.length === 4 && name === 'source') item.source_url = String(attributes.url ?? '')
  })
  const write = (part: string) => {
    words += part
  }
  parser.on('text', write)
  parser.on('cdata', write)
  parser.on('closetag', ({ name }) => {
    if (item !== undefined && path.length === 4) item[name] = words.trim()
    if (item !== undefined && path.length === 3) {
      const { guid, title, link, pubDate, source, source_url } = item
      if (title !== undefined && link !== undefined)
        items.push({
          ...{ guid: guid || link, title: untailed(title, source), link, published: dayOf(pubDate) },
          ...{ source: source || null, source_url: source_url || null },
        })
      item = undefined
    }
    path.pop()
  })
  parser.write(text).close()
  return items
}

/** Begins as a feed does: pages of people's browsers do not. */
export function looksLikeFeed(text: string): boolean {
  return /^\uFEFF?\s*<(\?xml|rss)\b/.test(text)
}

/** Can be read whole. */
export function isFeed(text: string): boolean {
  try {
    readFeed(text)
    return true
  } catch (error) {
    if (error instanceof NoFeed) return false
    throw error
  }
}

/** Headlines end in ` - <source>`; other dashes are theirs. */
function untailed(title: string, source: string | undefined): string {
  const tail = ` - ${source}`
  return source && title.endsWith(tail) ? title.slice(0, -tail.length) : title
}

function dayOf(text: string | undefined): string | null {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? null : new Date(time).toISOString().slice(0, 10)
}
