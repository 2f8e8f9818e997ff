import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type ApiProblem, type Asked, type Row, setToken } from './api.ts'
import { label } from './labels.ts'
import { t, tag } from './words.ts'

const PLAIN_NUMBERS = /(_year|_id|^exit_code|^line)$/
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/
const DAY = /^\d{4}-\d\d-\d\d$/

/** A value as text: never as HTML, whatever it holds. `name` is its column, where it has one. */
export function text(value: unknown, name = ''): string {
  if (value === null || value === undefined || value === '') return '–'
  if (typeof value === 'boolean') return value ? t('yes') : t('no')
  if (typeof value === 'number') {
    if (PLAIN_NUMBERS.test(name)) return String(value)
    const digits = /score|points|bits/.test(name) ? 1 : 4
    return value.toLocaleString(tag(), { maximumFractionDigits: digits })
  }
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map((each) => text(each)).join(', ')
  if (typeof value === 'object') return JSON.stringify(value)
  return when(String(value))
}

/** Days and instants in the reader's own words; anything else as it is. */
export function when(written: string): string {
  if (DAY.test(written) || (INSTANT.test(written) && /T00:00:00(\.0+)?Z?$/.test(written))) {
    const day = new Date(`${written.slice(0, 10)}T00:00:00Z`)
    return day.toLocaleDateString(tag(), { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
  }
  if (!INSTANT.test(written)) return written
  return new Date(written).toLocaleString(tag(), { dateStyle: 'medium', timeStyle: 'short' })
}

/** A link out, if that is what it is: https and nothing else. Addresses inside words become links, too. */
export function Evidence({ value, name = '' }: { value: unknown; name?: string }) {
  if (typeof value !== 'string' || !value.includes('https://')) return <>{text(value, name)}</>
  return (
    <>
      {value.split(/(https:\/\/[^\s;,"'<>]+)/).map((part, index) =>
        part.startsWith('https://') ? (
          <a key={index} href={part} rel="noreferrer noopener" target="_blank">
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </>
  )
}

const SHOWN_AS_BADGE = [
  'tier',
  'previous_tier',
  'qualification_status',
  'status',
  'severity',
  'operation',
  'response_type',
]

export function Badge({ value, name = '' }: { value: unknown; name?: string }) {
  if (value === null || value === undefined) return <>–</>
  const word = String(value)
  const known = /^[a-z0-9_]+$/i.test(word) ? word.toLowerCase() : 'other'
  return <span class={`badge badge-${known}`}>{/tier/.test(name) ? word : label(word)}</span>
}

export function Cell({ row, name }: { row: Row; name: string }) {
  if (SHOWN_AS_BADGE.includes(name)) return <Badge value={row[name]} name={name} />
  if (name === 'company_name' && typeof row.lead_id === 'string')
    return (
      <a href={`/leads/${encodeURIComponent(row.lead_id)}`} data-in>
        {text(row[name])}
      </a>
    )
  return <Evidence value={row[name]} name={name} />
}

function classOf(name: string, value: unknown): string | undefined {
  if (typeof value === 'number') return 'number'
  return /(^|_)(at|day|on)$/.test(name) ? 'moment' : undefined
}

export function Table({
  rows,
  columns,
  caption,
}: {
  rows: readonly Row[]
  columns: readonly string[]
  caption: string
}) {
  if (rows.length === 0) return <p class="quiet">{t('none')}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th scope="col" key={name} class={typeof rows[0]?.[name] === 'number' ? 'number' : undefined}>
                {label(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((name) => (
                <td key={name} class={classOf(name, row[name])}>
                  <Cell row={row} name={name} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** What became of an act: the answer, until the next look says that it waits. */
export function standing(answer: string, pending: unknown): string {
  if (typeof pending !== 'string' || (answer !== '' && answer !== t('noted'))) return answer
  return `${label(pending)}: ${t('noted')}`
}

export function Panel({ title, children, wide }: { title: string; children: ComponentChildren; wide?: boolean }) {
  return (
    <section class={wide ? 'panel wide' : 'panel'}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** A number that is looked at first. */
export function Figure({ name, value, note, bad }: { name: string; value: string; note?: string; bad?: boolean }) {
  return (
    <div class="figure">
      <span class="quiet">{name}</span>
      <strong class={bad ? 'bad' : undefined}>{value}</strong>
      <span class="quiet">{note ?? ''}</span>
    </div>
  )
}

/** Parts of a page, one shown at a time, by its address. */
export function Parts({
  of,
  parts,
  chosen,
  counts = {},
}: {
  of: string
  parts: readonly string[]
  chosen: string
  counts?: Record<string, number>
}) {
  return (
    <nav class="parts" aria-label={label(of)}>
      {parts.map((name) => (
        <a key={name} href={`?part=${name}`} data-in aria-current={name === chosen ? 'page' : undefined}>
          {label(name)}
          {counts[name] === undefined ? '' : ` (${counts[name]})`}
        </a>
      ))}
    </nav>
  )
}

/** The page once it is there; until then what stands in its way, in plain words. */
export function Shown<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ComponentChildren }) {
  if (asked.problem !== undefined) return <Problem problem={asked.problem} again={asked.reload} />
  if (asked.data !== undefined) return <>{children(asked.data)}</>
  return (
    <p role="status" class="quiet">
      {t('loading')}
    </p>
  )
}

export function Problem({ problem, again }: { problem: ApiProblem; again(): void }) {
  if (problem.code === 'nothing_published')
    return (
      <section class="panel" role="status">
        <h2>{t('nothing_published')}</h2>
        <p>
          {t('first_run')} <code>npx pipeline run</code>
        </p>
        <button type="button" class="main" onClick={again}>
          {t('again')}
        </button>
      </section>
    )
  if (problem.status === 401) return <Token again={again} />
  return (
    <section class="panel" role="alert">
      <h2>{problem.status === 0 ? t('no_answer') : t('refused')}</h2>
      <p>{problem.message}</p>
      <button type="button" onClick={again}>
        {t('again')}
      </button>
    </section>
  )
}

function Token({ again }: { again(): void }) {
  const [token, write] = useState('')
  return (
    <form
      class="panel"
      onSubmit={(event) => {
        event.preventDefault()
        setToken(token)
        again()
      }}
    >
      <label>
        {t('who')}{' '}
        <input
          type="password"
          autocomplete="current-password"
          value={token}
          onInput={(event) => write(event.currentTarget.value)}
        />
      </label>{' '}
      <button type="submit">{t('enter')}</button>
    </form>
  )
}
