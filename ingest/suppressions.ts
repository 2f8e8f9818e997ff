import { z } from 'zod'
import { isCnpj, normalizeCnpj } from './cnpj.ts'

/** What a suppression names. `cnpj_root` is the first 8 characters of a CNPJ; the ids are ours. */
export const SUPPRESSED_BY = ['email', 'domain', 'cnpj_root', 'company_id', 'contact_id'] as const
export type SuppressedBy = (typeof SUPPRESSED_BY)[number]

/** Body of the message `suppress`: the last word on a value counts. Kept in the ledger, never in git. */
export const suppressSchema = z.strictObject({
  action: z.enum(['add', 'remove']),
  by: z.enum(SUPPRESSED_BY),
  value: z.string().min(1),
  reason: z.string().optional(),
})
export type Suppression = z.output<typeof suppressSchema>

/** Reads what a person typed or a list holds; undefined when it cannot be told what it is. */
export function suppressedBy(text: string): { by: SuppressedBy; value: string } | undefined {
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
