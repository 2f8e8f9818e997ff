import { z } from 'zod'
import type { Problem } from '../pipeline/errors.ts'
import { isCnpj, normalizeCnpj } from './cnpj.ts'

/** What a suppression names. `cnpj_root` is the first 8 characters of a CNPJ; the ids are ours. */
export const SUPPRESSED_BY = ['email', 'domain', 'cnpj_root', 'company_id', 'contact_id'] as const
export type SuppressedBy = (typeof SUPPRESSED_BY)[number]

const named = z.strictObject({ by: z.enum(SUPPRESSED_BY), value: z.string().min(1) })
const said = { action: z.enum(['add', 'remove']), reason: z.string().optional() }

/** Body of the message `suppress`, of one or of a whole list: the last word on a value counts. Kept in the ledger, never in git. */
export const suppressSchema = z.union([
  z.strictObject({ ...said, ...named.shape }),
  z.strictObject({ ...said, entries: z.array(named).min(1) }),
])
export type Named = z.output<typeof named>

/** What stands, by `<by> <value>`: the last word on each, in the order of the messages. Others are left out. */
export function standing(
  messages: readonly { at: string; body: Record<string, unknown> }[],
): Map<string, Named & { since: string; reason: string | null }> {
  const last = new Map<string, Named & { since: string; reason: string | null }>()
  for (const { at, body } of messages) {
    const parsed = suppressSchema.safeParse(body)
    if (!parsed.success) continue
    const { action, reason = null } = parsed.data
    for (const { by, value } of 'entries' in parsed.data ? parsed.data.entries : [parsed.data]) {
      const key = `${by} ${value}`
      if (action === 'remove') last.delete(key)
      else if (!last.has(key)) last.set(key, { by, value, since: at, reason })
    }
  }
  return last
}

/** Reads what a person typed or a list holds, as `suppressedBy`; of an address with a tag (`ana+news@…`) also the one without. */
export function allSuppressedBy(text: string): Named[] {
  const who = suppressedBy(text.replace(/^.*<([^<>]+)>\s*$/, '$1').replace(/^\s*mailto:/i, ''))
  if (who === undefined) return []
  const bare = who.by === 'email' ? who.value.replace(/^([^+@]+)\+[^@]*@/, '$1@') : who.value
  return bare === who.value ? [who] : [who, { by: 'email', value: bare }]
}

/** Reads what a person typed or a list holds; undefined when it cannot be told what it is. */
export function suppressedBy(text: string): Named | undefined {
  const value = text.trim()
  const bare = normalizeCnpj(value)
  if (/^cmp_\w+$/.test(value)) return { by: 'company_id', value }
  if (/^con_\w+$/.test(value)) return { by: 'contact_id', value }
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return { by: 'email', value: value.toLowerCase() }
  if (/^[0-9A-Z]{12}[0-9]{2}$/.test(bare))
    return isCnpj(bare) ? { by: 'cnpj_root', value: bare.slice(0, 8) } : undefined
  if (/^[0-9A-Z]{8}$/.test(bare) && /\d/.test(bare)) return { by: 'cnpj_root', value: bare }
  const host = value
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/^www\./i, '')
    .replace(/[/?#].*$/, '')
    .toLowerCase()
  return /^([\p{L}\p{N}-]+\.)+[\p{L}]{2,}$/u.test(host) ? { by: 'domain', value: host } : undefined
}

const HEADER = /^(e-?mail|domain|domínio|dominio|cnpj|company|value|who|website|site)[\w -]*$/i

/** One a line; of a CSV, the columns whose heading says so, or the first. */
export function linesOfList(content: string, file: string): Given[] {
  const lines = content
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((text, index) => ({ cells: cellsOf(text.replace(/(^|\s)#.*$/, '')), file, line: index + 1 }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
  const heads = lines[0]?.cells ?? []
  const wanted = heads.flatMap((cell, column) => (HEADER.test(cell) ? [column] : []))
  if (wanted.length > 0) lines.shift()
  const columns = wanted.length > 0 ? wanted : [0]
  return lines.flatMap(({ cells, ...place }) => {
    const texts = columns.map((column) => cells[column] ?? '').filter((text) => text !== '')
    return (texts.length === 0 ? [cells.find((cell) => cell !== '') ?? ''] : texts).map((text) => ({ text, ...place }))
  })
}

/** A cell in quotes may hold what parts the others. */
function cellsOf(line: string): string[] {
  const cells = line.match(/("(?:[^"]|"")*"|[^,;\t]*)(?:[,;\t]|$)/g) ?? []
  return cells.map((cell) =>
    cell
      .replace(/[,;\t]$/, '')
      .trim()
      .replace(/^"(.*)"$/s, '$1')
      .replaceAll('""', '"')
      .trim(),
  )
}

/** What a list or a call says, and where. */
interface Given {
  text: string
  file: string
  line?: number
}

/** Who is meant, line by line, and the lines that name nobody. */
export function readNamed(given: readonly Given[]): { entries: Named[]; problems: Problem[] } {
  const problems: Problem[] = []
  const entries = given.flatMap(({ text, ...place }) => {
    const who = allSuppressedBy(text)
    const hint = 'Give an e-mail address, a domain, a CNPJ or its first 8 characters, or an id (cmp_…, con_…).'
    if (who.length === 0) problems.push({ ...place, message: `'${text}' is none of what can be suppressed`, hint })
    return who
  })
  return { entries, problems }
}
