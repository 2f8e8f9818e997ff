import { plainWords } from './likeness.ts'
import type { VendorRow } from './vendor-rows.ts'

/** A row whose own fields bear snake_case names (`FirstIndexed`, `legalName`); what is inside of them stays as it is. */
export function snakeKeys(row: VendorRow): VendorRow {
  const named = Object.entries(row).map(([name, value]) => [
    name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase(),
    value,
  ])
  return Object.fromEntries(named)
}

/** Whether a whole name is that of somebody whose first and last name are given apart: both ends agree, accents aside. */
export function isNamed(full_name: string | null, first: unknown, last: unknown): boolean {
  const words = plainWords(full_name).split(' ')
  const ends = [plainWords(text(first)).split(' ')[0], plainWords(text(last)).split(' ').at(-1)]
  return words.length > 1 && ends[0] !== '' && ends[0] === words[0] && ends[1] === words.at(-1)
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')
