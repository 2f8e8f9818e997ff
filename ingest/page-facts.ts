import { isCnpj, normalizeCnpj } from './cnpj.ts'

/** How a technology shows itself; any one of these is enough. All in lower case. */
export interface TechnologyRule {
  technology: string
  category: string
  /** In tags and scripts, never in what is written for people to read. */
  markup?: readonly string[]
  /** How the page's `generator` begins. */
  generator?: string
  /** Headers by name, with what is in them; empty: whatever is. */
  headers?: Readonly<Record<string, string>>
}

/** Tags and scripts of a page, in lower case, without comments and without prose. Linear in its size. */
export function markupOf(html: string): string {
  const page = html.toLowerCase()
  const parts: string[] = []
  for (let at = page.indexOf('<'); at >= 0; ) {
    let end: number
    if (page.startsWith('<!--', at)) end = after(page, '-->', at)
    else {
      end = after(page, '>', at)
      if (/^<script[\s>]/.test(page.slice(at, at + 8)) && page[end - 2] !== '/') end = after(page, '</script', end)
      parts.push(page.slice(at, end))
    }
    at = page.indexOf('<', end)
  }
  return parts.join('\n')
}

function after(page: string, what: string, from: number): number {
  const found = page.indexOf(what, from)
  return found < 0 ? page.length : found + what.length
}

/** What the page is made with, by these rules, each once and in order. */
export function technologiesOf(
  page: { headers: Record<string, string>; text: string },
  rules: readonly TechnologyRule[],
): { technology: string; category: string }[] {
  const markup = markupOf(page.text)
  const generators = [...markup.matchAll(/<meta\s[^<>]{0,500}/g)]
    .map(([tag]) => tag)
    .filter((tag) => /\bname\s*=\s*["']?generator\b/.test(tag))
    .map((tag) => /\bcontent\s*=\s*["']?\s*([^"'>]*)/.exec(tag)?.[1] ?? '')
  const shows = ({ markup: signs = [], generator, headers = {} }: TechnologyRule) =>
    signs.some((sign) => markup.includes(sign)) ||
    (generator !== undefined && generators.some((text) => text.startsWith(generator))) ||
    Object.entries(headers).some(([name, value]) => page.headers[name]?.toLowerCase().includes(value) ?? false)
  const found = rules.filter(shows).map(({ technology, category }) => ({ technology, category }))
  return found.sort((a, b) => (a.technology < b.technology ? -1 : 1))
}

/** With its punctuation, wherever it stands; bare, only where the page says what it is. */
const WRITTEN = /(?<![\w.])[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}\/[0-9A-Z]{4}-\d{2}(?!\w)/g
const CALLED = /\bCNPJ\b[^0-9A-Za-z]{0,20}([0-9A-Z]{12}\d{2})(?!\w)/g

/** The CNPJs on a page whose check digits are right, each once, in order of appearance. */
export function cnpjsOf(html: string): string[] {
  const text = html.replaceAll('&#47;', '/').replaceAll('&#x2F;', '/').replaceAll('&nbsp;', ' ')
  const written = [...text.matchAll(WRITTEN)].map(({ index, 0: found }) => ({ index, found }))
  const called = [...text.matchAll(CALLED)].map(({ index, 1: found }) => ({ index, found: found! }))
  const inOrder = [...written, ...called].sort((a, b) => a.index - b.index).map(({ found }) => normalizeCnpj(found))
  return [...new Set(inOrder.filter(isCnpj))]
}

/**
 * The one that the page's company is meant by: where all belong to one root, its head office (0001) or else the first.
 * Null where several companies are named, since nobody knows which one owns the page.
 */
export function ownCnpj(cnpjs: readonly string[]): string | null {
  if (new Set(cnpjs.map((cnpj) => cnpj.slice(0, 8))).size !== 1) return null
  return cnpjs.find((cnpj) => cnpj.slice(8, 12) === '0001') ?? cnpjs[0]!
}
