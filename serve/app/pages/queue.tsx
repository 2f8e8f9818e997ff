import { useState } from 'preact/hooks'
import { post, type Row, saidOf } from '../api.ts'
import { label } from '../labels.ts'
import { Badge, standing, text, when } from '../ui.tsx'
import { count, t } from '../words.ts'

interface Result {
  event_id: string
  decided: boolean
  stops: string[]
  notes: string[]
}

/** Messages that wait for a yes, one by one or many at once; each as it would leave. */
export function Queue({ rows, again }: { rows: readonly Row[]; again(): void }) {
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const [answers, tell] = useState<Record<string, string>>({})
  const [whole, tellAll] = useState('')
  const waiting = rows.filter(({ pending }) => pending === null || pending === undefined)
  const ids = waiting.map(({ event_id }) => String(event_id))
  const say = (id: string, words: string) => tell((before) => ({ ...before, [id]: words }))
  const one = (row: Row, verb: string, body: object) => {
    const id = String(row.event_id)
    return post(`/v1/outreach/${encodeURIComponent(id)}/${verb}`, body).then(
      () => {
        say(id, t('noted'))
        again()
      },
      (error: unknown) => say(id, saidOf(error)),
    )
  }
  const many = async (verb: 'approve' | 'reject', only_look: boolean) => {
    const messages = waiting
      .filter(({ event_id }) => chosen.has(String(event_id)))
      .map(({ event_id, content_hash }) => ({ event_id, content_hash }))
    try {
      const { data } = await post<{ data: Result[] }>('/v1/outreach/decide', { verb, messages, only_look })
      for (const { event_id, decided, stops, notes } of data) {
        const words = decided ? [t('noted'), ...notes] : stops.length > 0 ? stops : [t('guard_fine'), ...notes]
        say(event_id, words.join('; '))
      }
      tellAll(
        `${count(data.filter(({ stops }) => stops.length === 0).length)} ${t('numbers_of')} ${count(data.length)}`,
      )
      if (only_look) return
      choose(new Set())
      again()
    } catch (error) {
      tellAll(saidOf(error))
    }
  }
  if (rows.length === 0) return <p class="quiet">{t('nothing_here')}</p>
  const none = chosen.size === 0
  return (
    <>
      <div class="bar">
        <label>
          <input
            type="checkbox"
            checked={!none && chosen.size === ids.length}
            onChange={(event) => choose(new Set(event.currentTarget.checked ? ids : []))}
          />{' '}
          {t('choose_all')}
        </label>
        <button type="button" disabled={none} onClick={() => void many('approve', true)}>
          {t('check_chosen')} ({chosen.size})
        </button>
        <button type="button" class="main" disabled={none} onClick={() => void many('approve', false)}>
          {t('approve_chosen')} ({chosen.size})
        </button>
        <button type="button" disabled={none} onClick={() => void many('reject', false)}>
          {t('reject_chosen')} ({chosen.size})
        </button>
        <span role="status">{whole}</span>
      </div>
      {rows.map((row) => {
        const id = String(row.event_id)
        return (
          <Message
            key={id}
            row={row}
            chosen={chosen.has(id)}
            toggle={(on) => choose(new Set(on ? [...chosen, id] : [...chosen].filter((each) => each !== id)))}
            answer={answers[id] ?? ''}
            decide={(verb, body) => void one(row, verb, body)}
          />
        )
      })}
    </>
  )
}

interface MessageProps {
  row: Row
  chosen: boolean
  answer: string
  toggle(on: boolean): void
  decide(verb: string, body: object): void
}

function Message({ row, chosen, answer, toggle, decide }: MessageProps) {
  const [edited, edit] = useState<{ subject: string; body: string }>()
  const { content_hash } = row
  const decided = row.pending !== null && row.pending !== undefined
  const hasSubject = row.subject !== null && row.subject !== undefined
  const save = (approve: boolean) => {
    if (edited === undefined) return
    decide('edit', { content_hash, subject: hasSubject ? edited.subject : null, body: edited.body, approve })
    edit(undefined)
  }
  return (
    <article class="panel card" data-item tabIndex={-1}>
      <h2>
        {text(row.company_name)} · {text(row.full_name)}
      </h2>
      <p class="quiet">
        {label(String(row.channel))} · {text(row.sequence)} {text(row.sequence_step)} · {when(String(row.planned_at))} ·{' '}
        {text(row.mailbox)} → {text(row.address)} ·{' '}
        <a href={`/leads/${encodeURIComponent(String(row.lead_id))}`} data-in>
          {t('lead')} {text(row.score, 'score')}
        </a>{' '}
        <Badge value={row.tier} name="tier" />
      </p>
      {edited === undefined ? (
        <>
          {hasSubject && <pre>{String(row.subject)}</pre>}
          <pre>{text(row.body)}</pre>
        </>
      ) : (
        <>
          {hasSubject && (
            <p>
              <label>
                {t('subject')}{' '}
                <input
                  size={60}
                  value={edited.subject}
                  onInput={(event) => edit({ ...edited, subject: event.currentTarget.value })}
                />
              </label>
            </p>
          )}
          <label>
            {t('body')}{' '}
            <textarea value={edited.body} onInput={(event) => edit({ ...edited, body: event.currentTarget.value })} />
          </label>
        </>
      )}
      <div class="bar">
        <label>
          <input
            type="checkbox"
            data-key="v"
            checked={chosen}
            disabled={decided}
            onChange={(event) => toggle(event.currentTarget.checked)}
          />{' '}
          {t('choose')}
        </label>
        <button
          type="button"
          class="main"
          data-key="a"
          disabled={decided || edited !== undefined}
          onClick={() => decide('approve', { content_hash })}
        >
          {t('approve')}
        </button>
        <button type="button" data-key="x" disabled={decided} onClick={() => decide('reject', {})}>
          {t('reject')}
        </button>
        {edited === undefined ? (
          <button
            type="button"
            data-key="e"
            disabled={decided}
            onClick={() => edit({ subject: String(row.subject ?? ''), body: String(row.body ?? '') })}
          >
            {t('edit')}
          </button>
        ) : (
          <>
            <button type="button" disabled={decided} onClick={() => save(false)}>
              {t('save_words')}
            </button>
            <button type="button" class="main" disabled={decided} onClick={() => save(true)}>
              {t('save_words')} + {t('approve')}
            </button>
          </>
        )}
        <span role="status">{standing(answer, row.pending)}</span>
      </div>
    </article>
  )
}
