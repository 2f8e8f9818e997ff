import { useState } from 'preact/hooks'
import { ApiProblem, post, query, type Row, useApi } from '../api.ts'
import { go, type Place } from '../place.ts'
import { Panel, Shown, Table, text } from '../ui.tsx'
import { t, type Word } from '../words.ts'

interface Listed {
  data: Row[]
  next: string | null
}

const PARTS: readonly { name: Word; asks: Record<string, string>; columns: readonly string[] }[] = [
  { name: 'to_approve', asks: { status: 'planned' }, columns: [] },
  {
    name: 'scheduled',
    asks: { status: 'approved,sending' },
    columns: ['planned_at', 'company_name', 'channel', 'sequence', 'mailbox', 'subject', 'approved_by', 'status'],
  },
  {
    name: 'not_sent',
    asks: { status: 'skipped,failed,in_doubt,rejected,bounced' },
    columns: ['planned_at', 'company_name', 'channel', 'status', 'skip_reason', 'subject'],
  },
  {
    name: 'replies',
    asks: { response_type: 'interested,meeting,referral,not_now,not_interested,out_of_office,unsubscribe,other' },
    columns: ['responded_at', 'company_name', 'response_type', 'response', 'subject', 'owner'],
  },
]

/** What waits for a yes, what will leave, what did not and why, and what came back. */
export function Outreach({ place }: { place: Place }) {
  const chosen = new URLSearchParams(place.search)
  const part = PARTS.find(({ name }) => name === chosen.get('part')) ?? PARTS[0]!
  const after = chosen.get('after') ?? undefined
  const asked = useApi<Listed>(`/v1/outreach${query({ ...part.asks, after, limit: '50' })}`)
  return (
    <>
      <nav class="bar" aria-label={t('outreach')}>
        {PARTS.map(({ name }) => (
          <a key={name} href={`/outreach?part=${name}`} data-in aria-current={name === part.name ? 'page' : undefined}>
            {t(name)}
          </a>
        ))}
      </nav>
      <Shown asked={asked}>
        {({ data, next }) => (
          <>
            {part.columns.length > 0 ? (
              <Table rows={data} columns={part.columns} caption={t(part.name)} />
            ) : (
              <Queue key={after} rows={data} again={asked.reload} />
            )}
            {next !== null && (
              <button type="button" onClick={() => go(`/outreach${query({ part: part.name, after: next })}`)}>
                {t('next_page')}
              </button>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

function Queue({ rows, again }: { rows: readonly Row[]; again(): void }) {
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const [answers, tell] = useState<Record<string, string>>({})
  const waiting = rows.filter(({ pending }) => pending === null || pending === undefined)
  const decide = async (row: Row, verb: string, body: object) => {
    const id = String(row.event_id)
    try {
      await post(`/v1/outreach/${encodeURIComponent(id)}/${verb}`, body)
      tell((before) => ({ ...before, [id]: t('noted') }))
    } catch (error) {
      const words = error instanceof ApiProblem ? error.message || error.code : String(error)
      tell((before) => ({ ...before, [id]: words }))
    }
  }
  const all = async (verb: string, bodyOf: (row: Row) => object) => {
    for (const row of waiting) if (chosen.has(String(row.event_id))) await decide(row, verb, bodyOf(row))
    choose(new Set())
    again()
  }
  const one = async (row: Row, verb: string, body: object) => {
    await decide(row, verb, body)
    again()
  }
  if (rows.length === 0) return <p class="quiet">{t('nothing_here')}</p>
  return (
    <>
      <div class="bar">
        <button
          type="button"
          class="main"
          disabled={chosen.size === 0}
          onClick={() => void all('approve', ({ content_hash }) => ({ content_hash }))}
        >
          {t('approve_chosen')} ({chosen.size})
        </button>
        <button type="button" disabled={chosen.size === 0} onClick={() => void all('reject', () => ({}))}>
          {t('reject_chosen')} ({chosen.size})
        </button>
      </div>
      {rows.map((row) => {
        const id = String(row.event_id)
        const toggle = (on: boolean) =>
          choose(new Set(on ? [...chosen, id] : [...chosen].filter((each) => each !== id)))
        return (
          <Message
            key={id}
            row={row}
            chosen={chosen.has(id)}
            toggle={toggle}
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
  return (
    <Panel title={`${text(row.company_name)} · ${text(row.full_name)}`}>
      <p class="quiet">
        {text(row.channel)} · {text(row.sequence)} {text(row.sequence_step)} · {text(row.planned_at)} ·{' '}
        {text(row.mailbox)} → {text(row.address)} ·{' '}
        <a href={`/leads/${encodeURIComponent(String(row.lead_id))}`} data-in>
          {t('lead')} {text(row.score)} {text(row.tier)}
        </a>
      </p>
      {edited === undefined ? (
        <>
          {hasSubject && <pre>{String(row.subject)}</pre>}
          <pre>{text(row.body)}</pre>
        </>
      ) : (
        <>
          {hasSubject && (
            <label>
              {t('subject')}{' '}
              <input
                value={edited.subject}
                onInput={(event) => edit({ ...edited, subject: event.currentTarget.value })}
              />
            </label>
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
            checked={chosen}
            disabled={decided}
            onChange={(event) => toggle(event.currentTarget.checked)}
          />{' '}
          {t('choose')}
        </label>
        <button
          type="button"
          class="main"
          disabled={decided || edited !== undefined}
          onClick={() => decide('approve', { content_hash })}
        >
          {t('approve')}
        </button>
        <button type="button" disabled={decided} onClick={() => decide('reject', {})}>
          {t('reject')}
        </button>
        {edited === undefined ? (
          <button
            type="button"
            disabled={decided}
            onClick={() => edit({ subject: String(row.subject ?? ''), body: String(row.body ?? '') })}
          >
            {t('edit')}
          </button>
        ) : (
          <button
            type="button"
            disabled={decided}
            onClick={() => {
              decide('edit', { content_hash, subject: hasSubject ? edited.subject : null, body: edited.body })
              edit(undefined)
            }}
          >
            {t('save_words')}
          </button>
        )}
        <span role="status">{answer || (decided ? `${text(row.pending)}: ${t('noted')}` : '')}</span>
      </div>
    </Panel>
  )
}
