import { query, type Row, useApi } from '../api.ts'
import { Chart } from '../chart.tsx'
import { label } from '../labels.ts'
import { go, type Place } from '../place.ts'
import { Panel, Parts, Shown, Table, when } from '../ui.tsx'
import { t } from '../words.ts'
import { Queue } from './queue.tsx'

interface Listed {
  data: Row[]
  next: string | null
}
interface Overview extends Record<string, Row[]> {
  calendar: Row[]
  not_sent: Row[]
  replies: Row[]
  mailboxes: Row[]
}

const PARTS = ['to_approve', 'scheduled', 'not_sent', 'replies', 'health']
const LISTS: Record<string, { asks: Record<string, string>; columns: string[] }> = {
  to_approve: { asks: { status: 'planned' }, columns: [] },
  scheduled: {
    asks: { status: 'approved,sending' },
    columns: ['planned_at', 'company_name', 'channel', 'sequence', 'mailbox', 'subject', 'approved_by', 'status'],
  },
  not_sent: {
    asks: { status: 'skipped,failed,in_doubt,rejected,bounced' },
    columns: ['planned_at', 'company_name', 'full_name', 'channel', 'status', 'skip_reason', 'subject'],
  },
  replies: {
    asks: { response_type: 'interested,meeting,referral,not_now,not_interested,out_of_office,unsubscribe,other' },
    columns: ['responded_at', 'company_name', 'full_name', 'response_type', 'response', 'subject', 'owner'],
  },
}

/** What waits for a yes, what will leave, what did not and why, and what came back. */
export function Outreach({ place }: { place: Place }) {
  const chosen = new URLSearchParams(place.search)
  const part = PARTS.find((name) => name === chosen.get('part')) ?? PARTS[0]!
  const overview = useApi<Overview>('/v1/outreach/overview')
  return (
    <>
      <Parts of="outreach" parts={PARTS} chosen={part} />
      {overview.data !== undefined && <Counts part={part} counts={overview.data} />}
      {part !== 'health' && (
        <List
          key={part}
          part={part}
          after={chosen.get('after') ?? undefined}
          reason={chosen.get('reason') ?? undefined}
        />
      )}
    </>
  )
}

function List({ part, after, reason }: { part: string; after: string | undefined; reason: string | undefined }) {
  const { asks, columns } = LISTS[part]!
  const filter = reason === undefined ? {} : { skip_reason: reason }
  const asked = useApi<Listed>(
    `/v1/outreach${query({ ...asks, ...filter, after, limit: part === 'to_approve' ? '20' : '50' })}`,
  )
  return (
    <Shown asked={asked}>
      {({ data, next }) => (
        <>
          {columns.length === 0 ? (
            <Queue key={after} rows={data} again={asked.reload} />
          ) : (
            <Panel title={label(part)} wide>
              <Table rows={data} columns={columns} caption={label(part)} />
            </Panel>
          )}
          <div class="bar">
            {after !== undefined && (
              <button type="button" onClick={() => history.back()}>
                {t('previous')}
              </button>
            )}
            {next !== null && (
              <button type="button" onClick={() => go(`/outreach${query({ part, reason, after: next })}`)}>
                {t('next_page')}
              </button>
            )}
          </div>
        </>
      )}
    </Shown>
  )
}

/** The numbers of a part, before its rows. */
function Counts({ part, counts }: { part: string; counts: Overview }) {
  const number = (row: Row) => Number(row.events)
  const stacked = (rows: readonly Row[], by: string, over: string) => {
    const names = [...new Set(rows.map((row) => String(row[by])))]
    const kinds = [...new Set(rows.map((row) => String(row[over])))]
    const sum = (name: string, kind: string) =>
      rows
        .filter((row) => String(row[by]) === name && String(row[over]) === kind)
        .reduce((total, row) => total + number(row), 0)
    return {
      kind: 'columns' as const,
      names: names.map((name) => (by === 'day' ? when(name) : label(name))),
      series: kinds.map((kind) => ({ name: label(kind), values: names.map((name) => sum(name, kind)) })),
    }
  }
  if (part === 'scheduled')
    return (
      <Panel title={t('calendar')}>
        {counts.calendar.length === 0 ? (
          <p class="quiet">{t('none')}</p>
        ) : (
          <Chart
            title={t('calendar')}
            drawing={stacked(
              counts.calendar.map((row) => ({
                ...row,
                what: `${label(String(row.channel))}: ${label(String(row.status))}`,
              })),
              'day',
              'what',
            )}
            rows={counts.calendar}
            columns={['day', 'channel', 'status', 'events']}
          />
        )}
      </Panel>
    )
  if (part === 'not_sent' || part === 'replies') {
    const [rows, by] = part === 'replies' ? [counts.replies, 'response_type'] : [counts.not_sent, 'reason']
    if (rows.length === 0) return null
    return (
      <Panel title={label(part)}>
        <Chart
          title={label(part)}
          drawing={stacked(rows, by, 'channel')}
          rows={rows}
          columns={[by, 'channel', 'events', ...(part === 'replies' ? ['latest'] : ['leads'])]}
        />
      </Panel>
    )
  }
  if (part !== 'health') return null
  return (
    <Panel title={t('mailboxes')} wide>
      <Table
        rows={counts.mailboxes.map((row) => {
          const sent = Number(row.sent_30d)
          const share = (of: unknown) => (sent === 0 ? null : `${Math.round((Number(of) / sent) * 1000) / 10} %`)
          return { ...row, bounce_rate: share(row.bounced_30d), complaint_rate: share(row.complained_30d) }
        })}
        columns={[
          ...[
            'mailbox',
            'channel',
            'planned',
            'approved',
            'sent_1d',
            'sent_30d',
            'replied_30d',
            'bounced_30d',
            'bounce_rate',
          ],
          ...['complained_30d', 'complaint_rate', 'unsubscribed_30d', 'failed', 'in_doubt'],
        ]}
        caption={t('mailboxes')}
      />
    </Panel>
  )
}
