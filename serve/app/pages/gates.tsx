import type { Row } from '../api.ts'
import { label } from '../labels.ts'
import { t } from '../words.ts'
import { rowsOf, type Told } from './lead.tsx'

/** The gates on a lead's way, which it has passed, and where it stands now. */
export function Gates({ told }: { told: Told }) {
  const { lead, company, enrichment } = told as Told & { enrichment: Row | null }
  const messages = rowsOf(told.outreach)
  const some = (...states: string[]) => messages.some(({ status }) => states.includes(String(status)))
  const skipped = messages.find(({ skip_reason }) => typeof skip_reason === 'string')?.skip_reason
  const sent = messages.some(({ sent_at }) => sent_at !== null)
  const gates: [string, boolean, string][] = [
    ['icp', company?.is_icp_match === true, ''],
    ['enriched', enrichment !== null && enrichment !== undefined, ''],
    ['qualified', lead.qualification_status === 'qualified', label(String(lead.qualification_status))],
    [
      'planned',
      messages.some(({ status }) => status !== 'skipped'),
      skipped === undefined ? '' : label(String(skipped)),
    ],
    ['approved', sent || some('approved', 'sending'), some('planned') ? label('to_approve') : ''],
    ['contacted', sent, ''],
    ['replied', messages.some(({ responded_at }) => responded_at !== null), ''],
    ['in_crm', rowsOf(told.syncs).some(({ crm_id }) => crm_id !== null), ''],
  ]
  const here = gates.findIndex(([, passed]) => !passed)
  return (
    <ol class="gates" aria-label={t('gate')}>
      {gates.map(([name, passed, why], index) => (
        <li
          key={name}
          class={passed ? 'passed' : index === here ? 'here' : undefined}
          aria-current={index === here ? 'step' : undefined}
        >
          {label(name)}
          {index === here ? `: ${why === '' ? t('stands_here') : why}` : passed ? ' ✓' : ''}
        </li>
      ))}
    </ol>
  )
}
