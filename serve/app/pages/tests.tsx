import { useState } from 'preact/hooks'
import { query, type Row, useApi } from '../api.ts'
import { label } from '../labels.ts'
import { Badge, Panel, Shown, Table, text } from '../ui.tsx'
import { count, t } from '../words.ts'

/** What data tests found in the run that published, with the rows. */
export function FoundByTests({
  tests,
  counts,
  total,
}: {
  tests: readonly Row[]
  counts: readonly Row[]
  total: number
}) {
  const [shown, show] = useState<string>()
  if (total === 0) return null
  return (
    <Panel title={t('found_by_tests')}>
      <p class="quiet">{counts.map((each) => `${label(String(each.status))}: ${count(each.tests)}`).join(' · ')}</p>
      {tests.length === 0 && <p>{t('all_tests_pass')}</p>}
      {tests.map((each) => (
        <div key={String(each.test_id)} class="bar">
          <Badge value={each.severity} /> <strong>{text(each.name)}</strong> {count(each.failures)}
          <button type="button" aria-expanded={shown === each.test_id} onClick={() => show(String(each.test_id))}>
            {t('show_rows')}
          </button>
          {shown === each.test_id && <Found id={String(each.test_id)} />}
        </div>
      ))}
    </Panel>
  )
}

function Found({ id }: { id: string }) {
  const asked = useApi<{ data: Row[] }>(`/v1/pipeline/tests${query({ id })}`)
  return (
    <Shown asked={asked}>
      {({ data }) => <Table rows={data} columns={Object.keys(data[0] ?? {})} caption={t('found_by_tests')} />}
    </Shown>
  )
}
