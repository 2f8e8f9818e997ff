const PARTS = /\[[^[\]()]+\]|!?\([^()]*(?:\([^()]*\)[^()]*)*\)|\.\.\.|[^\s[\]()]+/g

/**
 * A phrase of the rules as an expression over words set in single spaces: `remove (me|us) [from] list*`, where `[…]` may be
 * missing, `a|b` is either, `*` any ending, `!(a|b)` a word that is neither, `...` up to three words. Undefined when it cannot be read.
 */
export function compilePhrase(text: string): RegExp | undefined {
  const parts = text.match(PARTS)
  if (parts === null || text.replaceAll(PARTS, '').trim() !== '') return undefined
  const body = parts.map((part) => {
    if (part === '...') return '(?:\\S+ ){0,3}'
    if (part.startsWith('!')) return `(?!(?:${alternatives(part.slice(2, -1))}) )\\S+ `
    if (part.startsWith('[')) return `(?:(?:${alternatives(part.slice(1, -1))}) )?`
    return `(?:${alternatives(part.startsWith('(') ? part.slice(1, -1) : part)}) `
  })
  return new RegExp(`(?<= )${body.join('')}`, 'gu')
}

function alternatives(text: string): string {
  const inner: string[] = []
  const flat = text.replaceAll(
    /\(([^()]*)\)/g,
    (_, group: string) => `\ue000${inner.push(`(?:${alternatives(group)})`) - 1}\ue000`,
  )
  const all = flat
    .split('|')
    .map((words) => words.trim().split(/\s+/).map(word).join(' '))
    .join('|')
  return all.replaceAll(/\ue000(\d+)\ue000/g, (_, index: string) => inner[Number(index)]!)
}

function word(text: string): string {
  const literal = text.replaceAll(/[.+?^${}()|[\]\\/]/g, '\\$&')
  return literal.endsWith('*') ? `${literal.slice(0, -1)}\\S*` : literal
}

/** The words a phrase is made of, without what stands for others. */
export function wordsOf(phrase: string): string[] {
  return phrase.split(/[\s[\]()|!]+/).filter((each) => each !== '' && each !== '...' && !each.endsWith('*'))
}

const PIECES = /[\p{L}\p{N}_@'+/-]+|[^\s\p{L}\p{N}]/gu

/** Lower case without accents; apostrophes straight. */
export function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/\p{M}|\u200d|[\u{1f3fb}-\u{1f3ff}]/gu, '')
    .replaceAll(/[’‘ʼ´`]/g, "'")
}

/** Words and marks of a text, in order. */
export function piecesOf(text: string): string[] {
  return plain(text).match(PIECES) ?? []
}

/** How many letters must change, be added, left out or swapped; more than `most` is `most + 1`. */
export function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1)
      next.push(cost)
    }
    if (Math.min(...next) > most) return most + 1
    ;[before, row] = [row, next]
  }
  return row[b.length]!
}
