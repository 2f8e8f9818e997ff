import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type ApiProblem, type Asked, type Row, setToken } from './api.ts'
import { t } from './words.ts'

/** A value as text: never as HTML, whatever it holds. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'boolean') return value ? t('yes') : t('no')
  if (typeof value === 'number') return value.toLocaleString(undefined, { maximumFractionDigits: 4 })
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(text).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The words that a column or status is called by. */
export function label(name: string): string {
  const spaced = name.replaceAll('_', ' ')
  return spaced.charAt(0).toUpperCase() + spaced.slice(1)
}

/** A link out, if that is what it is: https and nothing else. */
export function Evidence({ value }: { value: unknown }) {
  if (typeof value !== 'string' || !/^https:\/\/\S+$/.test(value)) return <>{text(value)}</>
  return (
    <a href={value} rel="noreferrer noopener" target="_blank">
      {value}
    </a>
  )
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
              <th scope="col" key={name}>
                {label(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((name) => (
                <td key={name} class={typeof row[name] === 'number' ? 'number' : undefined}>
                  <Evidence value={row[name]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

export function Panel({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel">
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** The page once it is there; until then what stands in its way, in plain words. */
export function Shown<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ComponentChildren }) {
  if (asked.data !== undefined) return <>{children(asked.data)}</>
  if (asked.problem !== undefined) return <Problem problem={asked.problem} again={asked.reload} />
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
        <button type="button" onClick={again}>
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
