import { useState } from 'preact/hooks'
import { get, query, type Row, useApi } from '../api.ts'
import { toCsv } from '../csv.ts'
import { label } from '../labels.ts'
import { go, type Place } from '../place.ts'
import { save } from '../save.ts'
import { Badge, Shown, text } from '../ui.tsx'
import { count, t } from '../words.ts'

interface Page {
  data: Row[]
  next: string | null
}
interface Facets {
  total: number
  facets: Record<string, { value: string | null; leads: number }[]>
}

const FACETS: Record<string, string> = {
  status: 'qualification_status',
  tier: 'tier',
  segment: 'segment',
  industry: 'industry',
  owner: 'owner',
}
const COLUMNS = [
  ...[
    'company_name',
    'full_name',
    'title',
    'score',
    'tier',
    'qualification_status',
    'owner',
    'industry',
    'country',
    'state',
    'domain',
  ],
  ...[
    'employee_count',
    'email',
    'phone',
    'seniority',
    'department',
    'fit_score',
    'intent_score',
    'enrichment_completeness',
    'pending',
  ],
]
const SORTS = ['score', 'company_name', 'employee_count', 'enrichment_completeness', 'enriched_at', 'discovered_at']
const EXPORTED_AT_MOST = 1_000_000

function kept<T>(name: string, otherwise: T): T {
  try {
    return (JSON.parse(localStorage.getItem(name) ?? '') as T) ?? otherwise
  } catch {
    return otherwise
  }
}

/** Any number of leads, a page at a time; the filters are the address. */
export function Leads({ place }: { place: Place }) {
  const asked = Object.fromEntries(new URLSearchParams(place.search))
  const { after: _, sort: __, order: ___, ...filters } = asked
  const page = useApi<Page>(`/v1/leads${query({ ...asked, limit: '50' })}`)
  const facets = useApi<Facets>(`/v1/leads/facets${query(filters)}`)
  const [told, tell] = useState('')
  const [columns, setColumns] = useState(() => kept('lead-engine-columns', COLUMNS.slice(0, 7)))
  const set = (changes: Record<string, string>) => go(`/leads${query({ ...asked, after: undefined, ...changes })}`)
  const choose = (name: string, on: boolean) => {
    const next = COLUMNS.filter((each) => (each === name ? on : columns.includes(each)))
    localStorage.setItem('lead-engine-columns', JSON.stringify(next))
    setColumns(next)
  }
  return (
    <>
      <form class="bar" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t('search')}{' '}
          <input
            id="search"
            type="search"
            key={asked.text ?? ''}
            defaultValue={asked.text ?? ''}
            onChange={(event) => set({ text: event.currentTarget.value })}
          />
        </label>
        {Object.entries(FACETS).map(([name, column]) => (
          <label key={name}>
            {label(name)}{' '}
            <select
              name={name}
              value={asked[name] ?? ''}
              onChange={(event) => set({ [name]: event.currentTarget.value })}
            >
              <option value="">{t('all')}</option>
              {asked[name] !== undefined && <option value={asked[name]}>{asked[name]}</option>}
              {(facets.data?.facets[column] ?? [])
                .filter(({ value }) => value !== null && value !== asked[name])
                .map(({ value, leads }) => (
                  <option key={value} value={value!}>
                    {value} ({count(leads)})
                  </option>
                ))}
            </select>
          </label>
        ))}
        {(['score_from', 'score_to'] as const).map((name) => (
          <label key={name}>
            {t(name)}{' '}
            <input
              type="number"
              min="0"
              max="100"
              key={asked[name] ?? ''}
              defaultValue={asked[name] ?? ''}
              onChange={(event) => set({ [name]: event.currentTarget.value })}
            />
          </label>
        ))}
        <label>
          {t('sort')}{' '}
          <select
            value={asked.sort ?? 'score'}
            onChange={(event) =>
              set({
                sort: event.currentTarget.value,
                order: event.currentTarget.value === 'company_name' ? 'asc' : 'desc',
              })
            }
          >
            {SORTS.map((name) => (
              <option key={name} value={name}>
                {label(name)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => go('/leads')}>
          {t('clear')}
        </button>
        <button type="button" onClick={() => void exportCsv(asked, columns, tell)}>
          {t('export_csv')}
        </button>
      </form>
      <div class="bar">
        <details>
          <summary>{t('columns')}</summary>
          <div class="choices">
            {COLUMNS.map((name) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={columns.includes(name)}
                  onChange={(event) => choose(name, event.currentTarget.checked)}
                />{' '}
                {label(name)}{' '}
              </label>
            ))}
          </div>
        </details>
        <Views search={query({ ...asked, after: undefined })} />
      </div>
      <p role="status">
        {facets.data === undefined ? '' : `${count(facets.data.total)} ${t('leads').toLowerCase()}`} {told}
      </p>
      <Shown asked={page}>
        {({ data, next }) => (
          <>
            <LeadTable rows={data} columns={columns} asked={asked} set={set} />
            <div class="bar">
              <button type="button" disabled={asked.after === undefined} onClick={() => set({})}>
                {t('first_page')}
              </button>
              <button type="button" disabled={asked.after === undefined} onClick={() => history.back()}>
                {t('previous')}
              </button>
              <button
                type="button"
                disabled={next === null}
                onClick={() => go(`/leads${query({ ...asked, after: next ?? undefined })}`)}
              >
                {t('next_page')}
              </button>
            </div>
          </>
        )}
      </Shown>
    </>
  )
}

interface TableProps {
  rows: readonly Row[]
  columns: readonly string[]
  asked: Record<string, string>
  set(changes: Record<string, string>): void
}

function LeadTable({ rows, columns, asked, set }: TableProps) {
  if (rows.length === 0) return <p class="quiet">{t('nothing_here')}</p>
  const by = asked.sort ?? 'score'
  const order = asked.order ?? (by === 'company_name' ? 'asc' : 'desc')
  const sort = (name: string) =>
    set({
      sort: name,
      order: name === by ? (order === 'asc' ? 'desc' : 'asc') : name === 'company_name' ? 'asc' : 'desc',
    })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="panel scroll" tabIndex={0} aria-label={t('leads')}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => {
              const isNumber = typeof rows[0]?.[name] === 'number'
              const sorted = name !== by ? undefined : order === 'asc' ? 'ascending' : 'descending'
              return (
                <th scope="col" key={name} class={isNumber ? 'number' : undefined} aria-sort={sorted}>
                  {SORTS.includes(name) ? (
                    <button type="button" onClick={() => sort(name)}>
                      {label(name)} {sorted === undefined ? '' : sorted === 'ascending' ? '↑' : '↓'}
                    </button>
                  ) : (
                    label(name)
                  )}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={String(row.lead_id)}>
              {columns.map((name, column) => (
                <td key={name} class={typeof row[name] === 'number' ? 'number' : undefined}>
                  {column === 0 ? (
                    <a href={`/leads/${encodeURIComponent(String(row.lead_id))}`} data-in data-item>
                      {text(row[name], name)}
                    </a>
                  ) : name === 'tier' || name === 'qualification_status' ? (
                    <Badge value={row[name]} name={name} />
                  ) : (
                    text(row[name], name)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Views({ search }: { search: string }) {
  const [views, setViews] = useState(() => kept<Record<string, string>>('lead-engine-views', {}))
  const [name, write] = useState('')
  const keep = (next: Record<string, string>) => {
    localStorage.setItem('lead-engine-views', JSON.stringify(next))
    setViews(next)
  }
  const add = (event: Event) => {
    event.preventDefault()
    if (name.trim() === '') return
    keep({ ...views, [name.trim()]: search })
    write('')
  }
  const drop = (saved: string) => keep(Object.fromEntries(Object.entries(views).filter(([other]) => other !== saved)))
  return (
    <details>
      <summary>{t('views')}</summary>
      <ul>
        {Object.entries(views).map(([saved, to]) => (
          <li key={saved}>
            <a href={`/leads${to}`} data-in>
              {saved}
            </a>{' '}
            <button type="button" class="plain" onClick={() => drop(saved)} aria-label={`${t('forget')} ${saved}`}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <label>
          {t('save_view')} <input value={name} onInput={(event) => write(event.currentTarget.value)} />
        </label>{' '}
        <button type="submit">{t('save')}</button>
      </form>
    </details>
  )
}

/** All that the filters hold, page after page, as a file. */
async function exportCsv(
  asked: Record<string, string>,
  columns: readonly string[],
  tell: (words: string) => void,
): Promise<void> {
  const names = ['lead_id', ...columns]
  const parts = [toCsv(names, [])]
  let rows = 0
  let after: string | null | undefined
  while (after !== null && rows < EXPORTED_AT_MOST) {
    const page: Page = await get(`/v1/leads${query({ ...asked, limit: '500', after: after ?? undefined })}`)
    parts.push(toCsv(names, page.data).slice(parts[0]!.length))
    rows += page.data.length
    after = page.next
    tell(`${count(rows)} ${t('exporting')}`)
  }
  save('leads.csv', parts.join(''))
  tell('')
}
