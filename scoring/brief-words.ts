import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import type { Template } from './brief.ts'
import { shown } from './text.ts'

/** Longer texts are cut: a brief is one page. */
const LONGEST = 120

/** A column as a page in this language writes it; NULL where nothing is known. Not yet fit for Markdown. */
export function wordOf(column: string, type: string, { words, dates, thousands }: Template): string {
  const value = id(column)
  const plainly = shown(column, type)
  const names = Object.entries(words[column] ?? {})
  if (names.length > 0 && !type.endsWith('[]')) {
    const cases = names.map(([word, name]) => `when ${quoteLiteral(word)} then ${quoteLiteral(name)}`)
    return `case ${value}::VARCHAR ${cases.join(' ')} else ${plainly} end`
  }
  if (/^(DATE|TIMESTAMP)(?!.*\[\])/.test(type)) return `strftime(${value}, ${quoteLiteral(dates)})`
  if (/^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$/.test(type) && thousands !== '') {
    // Years and other small numbers stay whole.
    const grouped = `format('{:t${thousands}}', round(${value})::BIGINT)`
    return `case when abs(${value}) >= 10000 then ${grouped} else ${plainly} end`
  }
  return plainly
}

/**
 * Text from outside as plain words on one line: no line breaks or invisible characters, no HTML and no brackets (which
 * would pass for a link or a footnote), and every character escaped that Markdown, GitHub or a finder of links reads as more
 * than itself.
 */
export function plain(value: string): string {
  const unbracketed = `translate(${line(value)}, '<>[]', '‹›()')`
  const escaped = `regexp_replace(${unbracketed}, '([\\\\\`*_~|#@$^=])', '\\\\\\1', 'g')`
  const entities = `regexp_replace(${escaped}, '&(#?[0-9A-Za-z]+;)', '\\\\&\\1', 'g')`
  const addresses = `regexp_replace(replace(${entities}, '//', '\\/\\/'), '\\.(\\pL{2})', '\\\\.\\1', 'g')`
  return `nullif(${addresses}, '')`
}

/** Text from outside between backticks: as it is, since nothing but a backtick means anything there. */
export function verbatim(value: string): string {
  return `nullif(trim(translate(${line(value)}, '\`<>', '')), '')`
}

function line(value: string): string {
  const one = `trim(regexp_replace(${value}, '[\\pZ\\pC]+', ' ', 'g'))`
  return `regexp_replace(${one}, '^(.{${LONGEST - 1}}).{2,}$', '\\1…')`
}
