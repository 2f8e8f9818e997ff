import type { DelimitedTable } from '../pipeline/bulk/delimited.ts'
import type { pushdownOf } from './bulk.ts'
import { type RegisterOnly, wantedCompany, wantedEstablishment } from './register-filter.ts'
import { companiesWhere, establishmentsWhere } from './register-where.ts'

export { registerOnly } from './register-filter.ts'

type Wanted = Pick<DelimitedTable, 'skip' | 'keep' | 'where' | 'partitions' | 'screen' | 'within'>

/** Which rows of the register's tables are wanted: by `only:`, by the ICP, and as part of what is wanted of others. */
export function wantedRows(
  only: RegisterOnly,
  as_of: string,
  { personas, activities, ...pushed }: Awaited<ReturnType<typeof pushdownOf>>,
): Record<string, Partial<Wanted>> {
  const keep = wantedEstablishment(only, as_of, pushed)
  const where = establishmentsWhere(only, as_of, pushed, activities)
  const company = wantedCompany(only, pushed)
  const screen = company && {
    table: 'empresas',
    column: 'cnpj_basico',
    keep: company,
    where: companiesWhere(only, pushed) ?? 'true',
  }
  const skip = pushed.rules.length === 0
  // Where every establishment is wanted, so is every company: there is nothing to look up.
  const whole = keep === undefined && screen === undefined && { within: undefined }
  return {
    estabelecimentos: { skip, keep, where, screen, partitions: pushed.states },
    empresas: { skip, ...whole },
    simples: { skip, ...whole },
    socios: { skip: skip || !personas, ...whole },
  }
}
