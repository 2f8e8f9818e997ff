import { catalogue } from './catalogue.ts'

/** On what ground each source's personal data is held, and what the source is called. */
export async function groundsOf(sources: Iterable<string>): Promise<Map<string, { title: string; basis: string[] }>> {
  const known = await catalogue()
  const grounds = new Map<string, { title: string; basis: string[] }>()
  for (const source of new Set(sources)) {
    const provider = known.get(source)?.provider
    if (provider === undefined) continue
    const basis = Object.values(provider.resources).flatMap(({ legal_basis }) => legal_basis ?? [])
    grounds.set(source, { title: provider.title, basis: [...new Set(basis)].sort() })
  }
  return grounds
}
