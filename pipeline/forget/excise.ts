import { parse, stringify } from 'lossless-json'
import { type Names, plainWords, SPELLINGS } from './names.ts'

/** What stands where a name was cut out of running text. */
export const ERASED = '[erased]'

/** Does a text, alone, name somebody? Is somebody named within it? */
export interface Finder {
  is(text: string): boolean
  within(text: string): boolean
  /** The text with `ERASED` in place of every name. */
  cut(text: string): string
}

/** Finds the names of one. */
export function finderOf({ ids, emails, profiles, words, domains, cnpj_roots, records }: Names): Finder {
  const keys = new Set(
    [...records].map((record) => record.slice(record.indexOf('/') + 1)).filter((key) => key.length >= 6),
  )
  const folded = new Set([...words].map(plainWords))
  const patterns = [
    ...[...emails].map((email) => email.replace(/^[^@]+/, (local) => `${escaped(local)}(?:\\+[^\\s@]*)?`)),
    ...[...profiles].map((profile) => `(?:https?://)?(?:[a-z]+\\.)?linkedin\\.com/${escaped(profile)}/?`),
    ...[...profiles].map(escaped),
    ...[...ids].map(escaped),
    ...[...folded].map((word) => escaped(word).replaceAll(' ', '[\\s._-]+')),
  ]
  const pattern =
    patterns.length === 0
      ? undefined
      : new RegExp(`(?<![\\p{L}\\p{N}])(?:${patterns.join('|')})(?![\\p{L}\\p{N}])`, 'giu')
  const test = (text: string) => {
    if (pattern === undefined) return false
    pattern.lastIndex = 0
    return pattern.test(text)
  }
  return {
    is(text) {
      if (ids.has(text) || keys.has(text) || folded.has(plainWords(text))) return true
      if (text.includes('@') && emails.has(SPELLINGS.email.js(text))) return true
      const profile = /\S\s+\S/.test(text) ? '' : SPELLINGS.profile.js(text)
      if (profile !== '' && profiles.has(profile)) return true
      return (
        domains.has(SPELLINGS.domain.js(text)) ||
        (/^[0-9A-Z./-]{8,18}$/i.test(text) && cnpj_roots.has(SPELLINGS.cnpj.js(text)))
      )
    },
    within: (text) => test(text) || test(foldedAlike(text)),
    cut: (text) => (pattern === undefined ? text : cutFolded(text, pattern)),
  }
}

/** As many characters as before, without accents: what is found in it lies at the same place in the text. */
function foldedAlike(text: string): string {
  return text.replaceAll(/[^\p{ASCII}]/gu, (letter) => {
    const plain = letter.normalize('NFD').replaceAll(/\p{M}/gu, '')
    return plain.length === letter.length ? plain : letter
  })
}

function cutFolded(text: string, pattern: RegExp): string {
  const composed = text.normalize('NFC')
  let done = ''
  let from = 0
  pattern.lastIndex = 0
  for (const match of foldedAlike(composed).matchAll(pattern)) {
    done += composed.slice(from, match.index) + ERASED
    from = match.index + match[0].length
  }
  return from === 0 ? text : done + composed.slice(from)
}

const GONE = Symbol('gone')
type Tree = unknown

/**
 * A cell without what is somebody's. JSON loses the object that names them by a value of its own: as the item of a list it
 * goes, under a key it becomes null; what names them in running text is cut out of it. Of a whole that names them only those
 * values go, unless the whole `goes`. Null: all of it was theirs.
 */
export function excise(text: string, finder: Finder, whole: 'stays' | 'goes' = 'stays'): string | null {
  const tree = treeOf(text)
  if (tree === undefined) {
    if (finder.is(text)) return null
    return finder.within(text) ? finder.cut(text) : text
  }
  const left = without(tree, finder)
  if (left === tree) return text
  if (left !== GONE) return stringify(left) ?? null
  if (whole === 'goes' || !isObject(tree)) return null
  return stringify(emptied(tree, finder)) ?? null
}

function treeOf(text: string): Tree | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** The same object where nothing in it is theirs. */
function without(tree: Tree, finder: Finder): Tree {
  if (typeof tree === 'string') {
    if (finder.is(tree)) return GONE
    const inner = /^\s*[[{]/.test(tree) ? excise(tree, finder) : finder.within(tree) ? finder.cut(tree) : tree
    return inner === null ? GONE : inner
  }
  if (Array.isArray(tree)) {
    const items = tree.map((item) => without(item, finder))
    if (items.every((item, index) => item === tree[index])) return tree
    return items.filter((item) => item !== GONE)
  }
  if (!isObject(tree)) return tree
  const theirs =
    namedInParts(tree, finder) || Object.values(tree).some((one) => typeof one === 'string' && finder.is(one))
  if (theirs && !isCompany(tree)) return GONE
  return emptied(tree, finder)
}

function emptied(tree: object, finder: Finder): object {
  const entries = Object.entries(tree).map(([key, value]) => [key, value, without(value, finder)] as const)
  if (entries.every(([, value, left]) => value === left)) return tree
  return Object.fromEntries(entries.map(([key, , left]) => [key, left === GONE ? null : left]))
}

function isObject(tree: Tree): tree is object {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree) && !('isLosslessNumber' in tree)
}

/** A company that has somebody's address for its own is not theirs. */
function isCompany(tree: object): boolean {
  return ['cnpj', 'razao_social', 'website', 'website_url', 'primary_domain'].some((key) => key in tree)
}

/** First and last name in fields of their own, side by side. */
function namedInParts(tree: object, finder: Finder): boolean {
  const { first_name, last_name } = tree as { first_name?: unknown; last_name?: unknown }
  return typeof first_name === 'string' && typeof last_name === 'string' && finder.is(`${first_name} ${last_name}`)
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
