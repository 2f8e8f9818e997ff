import { useState } from 'preact/hooks'
import { post, query, type Row, saidOf, useApi } from '../api.ts'
import { label } from '../labels.ts'
import { go, type Place } from '../place.ts'
import { Evidence, Shown, Table, text } from '../ui.tsx'
import { count, t } from '../words.ts'

interface Item extends Row {
  kind: string
  item_id: string
  question: string | null
  options: string[]
  priority: number | null
  evidence: unknown
  sides: Row[]
  pending: string | null
}
interface Queue {
  data: Item[]
  total: number
  kinds: Record<string, number>
}

/** What only a person can tell, with what speaks for and against. */
export function Review({ place }: { place: Place }) {
  const kind = new URLSearchParams(place.search).get('kind') ?? undefined
  const asked = useApi<Queue>(`/v1/review${query({ kind })}`)
  return (
    <Shown asked={asked}>
      {({ data, total, kinds }) => (
        <>
          <div class="bar">
            <label>
              {label('kind')}{' '}
              <select
                value={kind ?? ''}
                onChange={(event) => go(`/review${query({ kind: event.currentTarget.value })}`)}
              >
                <option value="">{`${t('all')} (${count(total)})`}</option>
                {Object.entries(kinds).map(([name, of]) => (
                  <option key={name} value={name}>{`${label(name)} (${count(of)})`}</option>
                ))}
              </select>
            </label>
          </div>
          {data.length === 0 && <p>{t('nothing_to_decide')}</p>}
          {data.map((item) => (
            <Question key={`${item.kind} ${item.item_id}`} item={item} again={asked.reload} />
          ))}
        </>
      )}
    </Shown>
  )
}

function Question({ item, again }: { item: Item; again(): void }) {
  const [note, write] = useState('')
  const [answer, tell] = useState('')
  const { kind, item_id, question, options, evidence, sides, pending } = item
  const decide = (decision: string) =>
    post(`/v1/review/${encodeURIComponent(item_id)}`, { kind, decision, ...(note.trim() === '' ? {} : { note }) }).then(
      () => {
        tell(t('noted'))
        again()
      },
      (error: unknown) => tell(saidOf(error)),
    )
  return (
    <article class="panel card" data-item tabIndex={-1}>
      <h2>{question ?? item_id}</h2>
      <p class="quiet">
        {label(kind)} · {item_id}
      </p>
      <Sides sides={sides} />
      <Told evidence={evidence} />
      <div class="bar">
        {options.map((option, index) => (
          <button
            key={option}
            type="button"
            class={index === 0 ? 'main' : undefined}
            disabled={pending !== null}
            data-key={String(index + 1)}
            onClick={() => void decide(option)}
          >
            {label(option)}
          </button>
        ))}
        <label>
          {t('note')} <input value={note} onInput={(event) => write(event.currentTarget.value)} />
        </label>
        <span role="status">
          {answer || (pending === null ? '' : `${t('decided')}: ${label(pending)}. ${t('noted')}`)}
        </span>
      </div>
    </article>
  )
}

/** Both of what may be one, field by field; where they differ is marked. */
function Sides({ sides }: { sides: readonly Row[] }) {
  if (sides.length === 0) return null
  const fields = Object.keys(sides[0]!).filter((field) =>
    sides.some((side) => side[field] !== null && side[field] !== undefined),
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="scroll" tabIndex={0} aria-label={t('against_each_other')}>
      <table>
        <caption>{t('against_each_other')}</caption>
        <tbody>
          {fields.map((field) => {
            const values = sides.map((side) => text(side[field], field))
            const differ = sides.length > 1 && new Set(values).size > 1
            return (
              <tr key={field} class={differ ? 'doubt' : undefined}>
                <th scope="row">{label(field)}</th>
                {sides.map((side, index) => (
                  <td key={index}>
                    <Evidence value={side[field]} name={field} />
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

/** Evidence as it comes: weighed comparisons, our value against theirs, or words. */
function Told({ evidence }: { evidence: unknown }) {
  if (evidence === null || evidence === undefined) return null
  if (Array.isArray(evidence)) {
    const rows = evidence as Row[]
    return <Table rows={rows} columns={Object.keys(rows[0] ?? {})} caption={t('evidence')} />
  }
  if (typeof evidence === 'object') {
    const { ours, theirs } = evidence as Row
    const isRow = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isRow(ours) || isRow(theirs)) return <Sides sides={[ours, theirs].filter(isRow) as Row[]} />
    const rows = Object.entries(evidence as Row).map(([field, value]) => ({ field: label(field), value }))
    return <Table rows={rows} columns={['field', 'value']} caption={t('evidence')} />
  }
  return <pre>{String(evidence)}</pre>
}
