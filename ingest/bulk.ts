import type { Icp } from './icp.ts'

export { readLayout } from '../pipeline/bulk/delimited.ts'
export { folderVersion } from '../pipeline/bulk/folder.ts'
export { landBulk } from '../pipeline/bulk/land.ts'
export { withoutCpf } from './cnpj.ts'

/** What a source that knows only place and activity can already hold against a company. */
export interface Pushdown {
  /** Upper case. Absent: any. */
  states?: string[]
  /** CNAE prefixes. Absent: any. */
  cnae?: string[]
}

/** The hard rules on place and activity of every profile that wants companies of a country; a company must pass one. */
export function pushdownOf(icp: Icp, country: string): { rules: Pushdown[]; personas: boolean } {
  const wanting = Object.values(icp.profiles).filter(
    ({ hard }) => hard.countries?.some((wanted) => wanted.toUpperCase() === country) ?? true,
  )
  return {
    rules: wanting.map(({ hard: { states, cnae } }) => ({ states: states?.map((state) => state.toUpperCase()), cnae })),
    personas: wanting.some(({ personas }) => personas.length > 0),
  }
}

/** Could a company pass? Only what is known to fail is refused: without a state or CNAE codes it may. */
export function mayPass({ states, cnae }: Pushdown, state: string, codes: readonly string[]): boolean {
  if (states !== undefined && state !== '' && !states.includes(state.toUpperCase())) return false
  if (cnae === undefined || codes.length === 0) return true
  return codes.some((code) => cnae.some((prefix) => code.startsWith(prefix)))
}
