import { query, type Row, useApi } from '../api.ts'
import { Chart } from '../chart.tsx'
import { label } from '../labels.ts'
import { go, type Place } from '../place.ts'
import { Badge, Evidence, Panel, Parts, Shown, Table, text, when } from '../ui.tsx'
import { t } from '../words.ts'

interface Summary extends Record<string, unknown> {
  counts: { crm: string; object: string; operation: string; status: string; records: number }[]
  rejected: Row[]
  drift: Row[]
}
interface Plan {
  data: (Row & { diffs: Row[] })[]
  next: string | null
  made_at: string | null
}

const PARTS = ['plan', 'counts', 'rejected', 'drift']

/** What would be written to the CRM, field by field; what was; what was refused. */
export function Crm({ place }: { place: Place }) {
  const chosen = Object.fromEntries(new URLSearchParams(place.search))
  const part = PARTS.find((name) => name === chosen.part) ?? 'plan'
  const asked = useApi<Summary>('/v1/crm')
  return (
    <Shown asked={asked}>
      {(summary) => {
        const sum = (rows: Row[]) => rows.reduce((total, { records }) => total + Number(records), 0)
        return (
          <>
            <Parts
              of="crm"
              parts={PARTS}
              chosen={part}
              counts={{ rejected: sum(summary.rejected), drift: summary.drift.length }}
            />
            {part === 'plan' && <LastPlan chosen={chosen} summary={summary} />}
            {part === 'counts' && <Counts rows={summary.counts} />}
            {part === 'rejected' && (
              <Panel title={t('rejected_rows')}>
                <Table
                  rows={summary.rejected}
                  columns={['crm', 'object', 'code', 'property', 'records', 'for_example']}
                  caption={t('rejected_rows')}
                />
              </Panel>
            )}
            {part === 'drift' && (
              <Panel title={t('drift')}>
                <Table
                  rows={summary.drift}
                  columns={['crm', 'object', 'property', 'written_count', 'changed_count', 'emptied_count']}
                  caption={t('drift')}
                />
              </Panel>
            )}
          </>
        )
      }}
    </Shown>
  )
}

function Counts({ rows }: { rows: Summary['counts'] }) {
  const names = [...new Set(rows.map(({ crm, object }) => `${crm} ${object}`))]
  const kinds = [...new Set(rows.map(({ operation, status }) => `${label(operation)}: ${label(status)}`))]
  const series = kinds.map((name) => ({
    name,
    values: names.map((place) =>
      rows
        .filter(
          (each) =>
            `${each.crm} ${each.object}` === place && `${label(each.operation)}: ${label(each.status)}` === name,
        )
        .reduce((total, { records }) => total + records, 0),
    ),
  }))
  return (
    <Panel title={t('counts')}>
      {rows.length === 0 ? (
        <p class="quiet">{t('none')}</p>
      ) : (
        <Chart
          title={t('counts')}
          drawing={{ kind: 'columns', names, series }}
          rows={rows}
          columns={['crm', 'object', 'operation', 'status', 'records']}
        />
      )}
    </Panel>
  )
}

function LastPlan({ chosen, summary }: { chosen: Record<string, string>; summary: Summary }) {
  const { object, operation, text: wanted, after } = chosen
  const asked = useApi<Plan>(`/v1/crm/plan${query({ object, operation, text: wanted, after, limit: '10' })}`)
  const set = (changes: Record<string, string | undefined>) =>
    go(`/crm${query({ part: 'plan', object, operation, text: wanted, ...changes })}`)
  const values = (name: 'object' | 'operation') => [...new Set(summary.counts.map((each) => each[name]))]
  return (
    <>
      <form class="bar" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t('search')}{' '}
          <input
            id="search"
            type="search"
            defaultValue={wanted ?? ''}
            onChange={(event) => set({ text: event.currentTarget.value })}
          />
        </label>
        {(['object', 'operation'] as const).map((name) => (
          <label key={name}>
            {label(name)}{' '}
            <select value={chosen[name] ?? ''} onChange={(event) => set({ [name]: event.currentTarget.value })}>
              <option value="">{t('all')}</option>
              {values(name).map((value) => (
                <option key={value} value={value}>
                  {label(value)}
                </option>
              ))}
            </select>
          </label>
        ))}
      </form>
      <Shown asked={asked}>
        {({ data, next, made_at }) => (
          <>
            <p class="quiet">{made_at === null ? t('no_plan') : `${t('made_at')} ${when(made_at)}`}</p>
            {made_at !== null && data.length === 0 && <p class="quiet">{t('nothing_here')}</p>}
            {data.map((each) => (
              <Change key={String(each.sync_id)} change={each} />
            ))}
            {next !== null && (
              <button type="button" onClick={() => set({ after: next })}>
                {t('next_page')}
              </button>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

function Change({ change }: { change: Plan['data'][number] }) {
  return (
    <article class="panel card" data-item tabIndex={-1}>
      <h2>
        <Badge value={change.operation} /> {text(change.object)} ·{' '}
        {text(change.diffs.find(({ field }) => /name/.test(String(field)))?.new)}
      </h2>
      <p class="quiet">
        {text(change.crm)} · {text(change.record_id)} → {text(change.crm_id)}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section class="scroll" tabIndex={0} aria-label={text(change.record_id)}>
        <table>
          <thead>
            <tr>
              <th scope="col">{label('field')}</th>
              <th scope="col">{t('old_value')}</th>
              <th scope="col">{t('new_value')}</th>
              <th scope="col">{t('their_value')}</th>
              <th scope="col">{label('verdict')}</th>
            </tr>
          </thead>
          <tbody>
            {change.diffs.map((diff) => (
              <tr key={String(diff.field)} class={diff.verdict === 'conflict' ? 'doubt' : undefined}>
                <td>{text(diff.field)}</td>
                <td>
                  <Evidence value={diff.old} />
                </td>
                <td>
                  <ins>
                    <Evidence value={diff.new} />
                  </ins>
                </td>
                <td>
                  <Evidence value={diff.theirs} />
                </td>
                <td>{label(String(diff.verdict))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </article>
  )
}
