import type { Row } from '../api.ts'
import { label } from '../labels.ts'
import { Evidence, text, when } from '../ui.tsx'
import { t, usd } from '../words.ts'
import { rowsOf, type Told } from './lead.tsx'

/** Every value with where it comes from, when that was seen, what it cost, and what it was believed over. */
export function Values({ row, entity, told }: { row: Row | null; entity: string; told: Told }) {
  if (row === null) return <p class="quiet">{t('none')}</p>
  const own = (all: unknown, field: string) =>
    rowsOf(all).filter((each) => each.entity === entity && each.field === field)
  return (
    <dl>
      {Object.entries(row).map(([field, value]) => {
        const [origin] = own(told.provenance, field)
        const beaten = own(told.values_beaten, field).filter((each) => each.value !== value)
        const paid = rowsOf(told.purchases).find(
          (each) => each.field === field && (origin === undefined || each.provider === origin.source),
        )
        return [
          <dt key={field}>{label(field)}</dt>,
          <dd key={`${field} value`}>
            <Evidence value={value} name={field} />
            {origin !== undefined && (
              <span class="quiet">
                {' '}
                · {text(origin.source)}
                {origin.observed_at === null ? '' : `, ${when(String(origin.observed_at))}`}
                {paid === undefined ? '' : `, ${usd(paid.usd)}`}
              </span>
            )}
            {beaten.length > 0 && (
              <span class="quiet">
                {' '}
                · {t('beats')} {beaten.map((each) => `${text(each.value)} (${text(each.source)})`).join(', ')}
              </span>
            )}
          </dd>,
        ]
      })}
    </dl>
  )
}
