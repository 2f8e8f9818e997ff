import { useState } from 'preact/hooks'
import { post, query, type Row, saidOf, useApi } from '../api.ts'
import { label } from '../labels.ts'
import { go, type Place } from '../place.ts'
import { Badge, Figure, Panel, Shown, standing, Table, text, when } from '../ui.tsx'
import { count, t } from '../words.ts'

interface Listed {
  data: Row[]
  total: number
}
interface Told {
  replies: Listed
  tasks: Listed
  approvals: Listed
  new_leads: Listed
  by_owner: Row[]
  outcomes: { outcome: string; says: string }[]
  as_of: string
}
interface Me {
  role: string
  owner: string
  own_only: boolean
}

/** A salesperson's day; a manager sees everybody's, and how long each thing waits. */
export function Day({ place }: { place: Place }) {
  const me = useApi<Me>('/v1/me')
  const asked = new URLSearchParams(place.search).get('owner')
  const owner = asked ?? (me.data?.role === 'rep' ? me.data.owner : undefined)
  return (
    <Shown asked={me}>
      {({ own_only }) => <OneDay key={owner ?? ''} owner={owner === 'all' ? undefined : owner} chooses={!own_only} />}
    </Shown>
  )
}

function OneDay({ owner, chooses }: { owner: string | undefined; chooses: boolean }) {
  const asked = useApi<Told>(`/v1/day${query({ owner })}`)
  return (
    <Shown asked={asked}>
      {(day) => {
        const owners = day.by_owner.map((each) => each.owner).filter((each) => typeof each === 'string')
        const nothing = [day.replies, day.tasks, day.approvals, day.new_leads].every(({ total }) => total === 0)
        return (
          <>
            {chooses && (
              <div class="bar">
                <label>
                  {t('whose')}{' '}
                  <select
                    value={owner ?? 'all'}
                    onChange={(event) => go(`/day${query({ owner: event.currentTarget.value })}`)}
                  >
                    <option value="all">{t('everybody')}</option>
                    <option value="none">{t('nobody')}</option>
                    {[...new Set([...owners, ...(owner === undefined || owner === 'none' ? [] : [owner])])].map(
                      (each) => (
                        <option key={each} value={each}>
                          {each}
                        </option>
                      ),
                    )}
                  </select>
                </label>
              </div>
            )}
            <div class="figures">
              <Figure name={t('replies_to_answer')} value={count(day.replies.total)} bad={day.replies.total > 0} />
              <Figure name={t('tasks_due')} value={count(day.tasks.total)} />
              <Figure name={t('approvals')} value={count(day.approvals.total)} />
              <Figure name={t('new_leads')} value={count(day.new_leads.total)} />
            </div>
            {nothing && <p>{t('quiet_day')}</p>}
            {day.replies.total > 0 && (
              <Panel title={t('replies_to_answer')}>
                {day.replies.data.map((row) => (
                  <Reply key={String(row.event_id)} row={row} again={asked.reload} as_of={day.as_of} />
                ))}
              </Panel>
            )}
            {day.tasks.total > 0 && (
              <Panel title={t('tasks_due')}>
                {day.tasks.data.map((row) => (
                  <Task key={String(row.event_id)} row={row} outcomes={day.outcomes} again={asked.reload} />
                ))}
              </Panel>
            )}
            {day.approvals.total > 0 && (
              <Panel title={t('approvals')}>
                <p>
                  <a href="/outreach" data-in>
                    {t('to_outreach')}
                  </a>
                </p>
                <Table
                  rows={day.approvals.data.slice(0, 10)}
                  columns={['planned_at', 'company_name', 'full_name', 'channel', 'subject', 'pending']}
                  caption={`${t('approvals')}: ${Math.min(10, day.approvals.total)} ${t('numbers_of')} ${count(day.approvals.total)}`}
                />
              </Panel>
            )}
            {day.new_leads.total > 0 && (
              <Panel title={t('new_leads')}>
                <Table
                  rows={day.new_leads.data.slice(0, 15)}
                  columns={['company_name', 'full_name', 'title', 'score', 'tier', 'owner', 'discovered_at']}
                  caption={`${t('new_leads')}: ${Math.min(15, day.new_leads.total)} ${t('numbers_of')} ${count(day.new_leads.total)}`}
                />
              </Panel>
            )}
            {day.by_owner.length > 0 && (
              <Panel title={t('by_owner')}>
                <Table
                  rows={day.by_owner}
                  columns={[
                    ...['owner', 'replies', 'oldest_reply_days', 'tasks', 'oldest_task_days'],
                    ...['approvals', 'oldest_approval_days', 'new_leads'],
                  ]}
                  caption={t('by_owner')}
                />
              </Panel>
            )}
          </>
        )
      }}
    </Shown>
  )
}

function useAct(again: () => void): [string, (path: string, body: object) => void] {
  const [answer, tell] = useState('')
  const act = (path: string, body: object) =>
    void post(path, body).then(
      () => {
        tell(t('noted'))
        again()
      },
      (error: unknown) => tell(saidOf(error)),
    )
  return [answer, act]
}

function Head({ row }: { row: Row }) {
  return (
    <p>
      <a href={`/leads/${encodeURIComponent(String(row.lead_id))}`} data-in>
        {text(row.company_name)}
      </a>{' '}
      · {text(row.full_name)} · {text(row.title)} · <Badge value={row.tier} name="tier" /> {text(row.score, 'score')}
    </p>
  )
}

function Reply({ row, again, as_of }: { row: Row; again(): void; as_of: string }) {
  const [answer, act] = useAct(again)
  const path = `/v1/leads/${encodeURIComponent(String(row.lead_id))}/snooze`
  const leave = (days: number, reason: string) => {
    const until = new Date(Date.parse(as_of) + days * 86_400_000).toISOString().slice(0, 10)
    act(path, { until, reason })
  }
  const decided = row.pending !== null
  return (
    <article class="card" data-item tabIndex={-1}>
      <Head row={row} />
      <p class="quiet">
        <Badge value={row.response_type} /> {when(String(row.responded_at))} · {text(row.channel)} · {text(row.subject)}
      </p>
      {typeof row.response === 'string' && <pre>{row.response}</pre>}
      <div class="bar">
        {typeof row.address === 'string' && /^[^\s@<>"]+@[^\s@<>"]+$/.test(row.address) && (
          <a href={`mailto:${encodeURIComponent(row.address).replace('%40', '@')}`}>{row.address}</a>
        )}
        <button
          type="button"
          class="main"
          disabled={decided}
          data-key="1"
          onClick={() => leave(90, 'answered by hand')}
        >
          {t('answered')}
        </button>
        <button type="button" disabled={decided} data-key="2" onClick={() => leave(3, 'to be answered later')}>
          {t('later')}
        </button>
        <span role="status">{standing(answer, row.pending)}</span>
      </div>
    </article>
  )
}

const FIRST_OUTCOMES = ['done', 'interested', 'meeting', 'not_now', 'not_interested', 'not_found']

/** The text to be said, where to say it, and a button for each thing it may come to. */
function Task({ row, outcomes, again }: { row: Row; outcomes: Told['outcomes']; again(): void }) {
  const [answer, act] = useAct(again)
  const [note, write] = useState('')
  const [copied, mark] = useState(false)
  const decided = row.pending !== null
  const path = `/v1/tasks/${encodeURIComponent(String(row.event_id))}/outcome`
  const say = (outcome: string) => act(path, { outcome, ...(note.trim() === '' ? {} : { note: note.trim() }) })
  const rest = outcomes.filter(({ outcome }) => !FIRST_OUTCOMES.includes(outcome))
  const where = [row.linkedin_url, row.phone].find((each) => typeof each === 'string')
  return (
    <article class="card" data-item tabIndex={-1}>
      <Head row={row} />
      <p class="quiet">
        {label(String(row.channel))} · {when(String(row.planned_at))} ·{' '}
        {typeof where === 'string' && where.startsWith('https://') ? (
          <a href={where} rel="noreferrer noopener" target="_blank">
            {where}
          </a>
        ) : (
          text(where)
        )}
      </p>
      <pre>{text(row.body)}</pre>
      <div class="bar">
        <button
          type="button"
          onClick={() => void navigator.clipboard.writeText(String(row.body ?? '')).then(() => mark(true))}
        >
          {copied ? t('copied') : t('copy')}
        </button>
        <label>
          {t('note')} <input value={note} onInput={(event) => write(event.currentTarget.value)} />
        </label>
      </div>
      <div class="bar">
        {FIRST_OUTCOMES.map((outcome, index) => (
          <button
            key={outcome}
            type="button"
            class={index === 0 ? 'main' : undefined}
            disabled={decided}
            data-key={String(index + 1)}
            title={outcomes.find((each) => each.outcome === outcome)?.says}
            onClick={() => say(outcome)}
          >
            {label(outcome)}
          </button>
        ))}
        {rest.map(({ outcome, says }) => (
          <button
            key={outcome}
            type="button"
            class="plain"
            disabled={decided}
            title={says}
            onClick={() => say(outcome)}
          >
            {label(outcome)}
          </button>
        ))}
        <span role="status">{standing(answer, row.pending)}</span>
      </div>
    </article>
  )
}
