import { useEffect, useRef, useState } from 'preact/hooks'
import { get, query, type Row, useApi } from '../api.ts'
import { toCsv } from '../csv.ts'
import { go, type Place } from '../place.ts'
import { label, Shown, text } from '../ui.tsx'
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
const EXPORTED_AT_MOST = 50_000

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
        <button type="button" onClick={() => void exportCsv(asked, columns)}>
          {t('export_csv')}
        </button>
      </form>
      <div class="bar">
        <details>
          <summary>{t('columns')}</summary>
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
        </details>
        <Views search={query({ ...asked, after: undefined })} />
        <span class="quiet">{t('keys')}</span>
      </div>
      <p role="status">{facets.data === undefined ? '' : `${count(facets.data.total)} ${t('leads').toLowerCase()}`}</p>
      <Shown asked={page}>
        {({ data, next }) => (
          <>
            <LeadTable rows={data} columns={columns} />
            <div class="bar">
              <button type="button" disabled={asked.after === undefined} onClick={() => set({})}>
                {t('first_page')}
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

function LeadTable({ rows, columns }: { rows: readonly Row[]; columns: readonly string[] }) {
  const [at, move] = useState(-1)
  const place = useRef<HTMLTableSectionElement>(null)
  useEffect(() => move(-1), [rows])
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test((event.target as Element).tagName)
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key === '/') {
        event.preventDefault()
        document.getElementById('search')?.focus()
      }
      const next = event.key === 'j' ? Math.min(rows.length - 1, at + 1) : event.key === 'k' ? Math.max(0, at - 1) : at
      if (next === at) return
      move(next)
      place.current?.rows[next]?.querySelector('a')?.focus()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [rows, at])
  if (rows.length === 0) return <p class="quiet">{t('nothing_here')}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="panel scroll" tabIndex={0} aria-label={t('leads')}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th scope="col" key={name}>
                {label(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={place}>
          {rows.map((row, index) => (
            <tr key={String(row.lead_id)} class={index === at ? 'chosen' : undefined}>
              {columns.map((name, column) => (
                <td key={name} class={typeof row[name] === 'number' ? 'number' : undefined}>
                  {column === 0 ? (
                    <a href={`/leads/${encodeURIComponent(String(row.lead_id))}`} data-in>
                      {text(row[name])}
                    </a>
                  ) : (
                    text(row[name])
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
  const save = (event: Event) => {
    event.preventDefault()
    if (name.trim() === '') return
    const next = { ...views, [name.trim()]: search }
    localStorage.setItem('lead-engine-views', JSON.stringify(next))
    setViews(next)
    write('')
  }
  return (
    <details>
      <summary>{t('views')}</summary>
      <ul>
        {Object.entries(views).map(([saved, to]) => (
          <li key={saved}>
            <a href={`/leads${to}`} data-in>
              {saved}
            </a>
          </li>
        ))}
      </ul>
      <form onSubmit={save}>
        <label>
          {t('save_view')} <input value={name} onInput={(event) => write(event.currentTarget.value)} />
        </label>{' '}
        <button type="submit">{t('save')}</button>
      </form>
    </details>
  )
}

/** All that the filters hold, page after page, as a file. */
async function exportCsv(asked: Record<string, string>, columns: readonly string[]): Promise<void> {
  const rows: Row[] = []
  let after: string | null | undefined
  while (after !== null && rows.length < EXPORTED_AT_MOST) {
    const page: Page = await get(`/v1/leads${query({ ...asked, limit: '500', after: after ?? undefined })}`)
    rows.push(...page.data)
    after = page.next
  }
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([toCsv(['lead_id', ...columns], rows)], { type: 'text/csv' }))
  link.download = 'leads.csv'
  link.click()
  URL.revokeObjectURL(link.href)
}
