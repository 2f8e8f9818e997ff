import { useState } from 'preact/hooks'
import { post, type Row, saidOf, useApi } from '../api.ts'
import { Bars } from '../chart.tsx'
import type { Place } from '../place.ts'
import { Badge, Panel, Shown, Table, text } from '../ui.tsx'
import { t } from '../words.ts'
import { Brief } from './brief.tsx'
import { Gates } from './gates.tsx'
import { Values } from './values.tsx'

export interface Told extends Record<string, unknown> {
  lead: Row
  company: Row | null
  contact: Row | null
}

export const rowsOf = (value: unknown) => (Array.isArray(value) ? (value as Row[]) : [])

/** All that is known of one lead, and why it scores as it does. */
export function Lead({ place }: { place: Place }) {
  const asked = useApi<Told>(`/v1${place.path}`)
  return <Shown asked={asked}>{(told) => <Known told={told} path={`/v1${place.path}`} again={asked.reload} />}</Shown>
}

function Known({ told, path, again }: { told: Told; path: string; again(): void }) {
  const { lead, company, contact } = told
  // What raises it first: the bars then never fall below nothing.
  const reasons = rowsOf(lead.reasons).sort((a, b) => Number(b.points) - Number(a.points))
  let sum = 0
  const bars = reasons.map((reason) => {
    const from = sum
    sum += Number(reason.points)
    return { name: text(reason.because ?? reason.rule), from, to: sum }
  })
  const signals = rowsOf(told.signals)
  // A reason tells what a signal says; the signal knows where that was read.
  const linked = reasons.map((reason) => {
    const found = signals.find(
      ({ evidence }) => typeof evidence === 'string' && String(reason.evidence).includes(evidence),
    )
    return { ...reason, link: found?.url ?? null }
  })
  const dated = [
    ...rowsOf(told.signals).map((each) => ({
      at: each.observed_at,
      what: each.kind,
      text: each.evidence,
      link: each.url,
    })),
    ...rowsOf(told.news).map((each) => ({ at: each.published_at, what: 'news', text: each.title, link: each.url })),
    ...rowsOf(told.outreach).map((each) => ({
      at: each.sent_at ?? each.planned_at,
      what: `${each.channel}: ${each.status}`,
      text: each.subject,
      link: null,
    })),
    ...rowsOf(told.syncs).map((each) => ({
      at: each.synced_at,
      what: `${each.crm}: ${each.operation}`,
      text: each.error ?? each.object,
      link: null,
    })),
  ].sort((a, b) => (String(a.at ?? '') < String(b.at ?? '') ? 1 : -1))
  return (
    <>
      <p>
        <strong>{text(lead.company_name ?? company?.name)}</strong> · {text(lead.full_name ?? contact?.full_name)} ·{' '}
        {text(contact?.title)} · <Badge value={lead.tier} name="tier" /> <strong>{text(lead.score, 'score')}</strong>{' '}
        {isRange(lead.score_possible) && (
          <span class="quiet">
            ({t('possible')} {text(lead.score_possible.min, 'score')} – {text(lead.score_possible.max, 'score')})
          </span>
        )}{' '}
        <Badge value={lead.qualification_status} name="qualification_status" /> · {text(lead.owner)}
      </p>
      <Gates told={told} />
      <div class="grid">
        <Panel title={t('why')}>
          <Bars
            title={t('why')}
            bars={[...bars, { name: t('total'), to: sum, whole: true }]}
            rows={linked}
            columns={['because', 'points', 'evidence', 'link', 'rule']}
          />
        </Panel>
        <Panel title={t('would_raise')}>
          {rowsOf(lead.would_raise).length === 0 ? (
            <p class="quiet">{t('nothing_raises')}</p>
          ) : (
            <Bars
              title={t('would_raise')}
              bars={rowsOf(lead.would_raise).map(({ because, points }) => ({
                name: text(because),
                from: 0,
                to: Number(points),
              }))}
              rows={rowsOf(lead.would_raise)}
              columns={['because', 'points', 'rule']}
            />
          )}
          <p>
            {t('needs_data')}: {text(lead.needs_data)}
          </p>
          <h3>{t('bant')}</h3>
          <dl>
            {(['budget', 'authority', 'need', 'timeline'] as const).map((name) => (
              <>
                <dt>{t(name === 'timeline' ? 'timeline_signal' : name)}</dt>
                <dd>{text(lead[`${name}_signal`])}</dd>
              </>
            ))}
          </dl>
        </Panel>
      </div>
      <Decide path={path} told={told} again={again} />
      <div class="grid">
        <Panel title={t('brief')}>
          <Brief markdown={String(lead.deal_brief ?? '')} />
        </Panel>
        <Panel title={t('timeline')}>
          <Table rows={dated} columns={['at', 'what', 'text', 'link']} caption={t('timeline')} />
        </Panel>
      </div>
      <div class="grid">
        <Panel title={t('company')}>
          <Values row={company} entity="company" told={told} />
        </Panel>
        <Panel title={t('contact')}>
          <Values row={contact} entity="contact" told={told} />
        </Panel>
      </div>
      <Panel title={t('provenance')} wide>
        <Table
          rows={rowsOf(told.provenance)}
          columns={['entity', 'field', 'value', 'source', 'observed_at']}
          caption={t('provenance')}
        />
        <Table
          rows={rowsOf(told.values_beaten)}
          columns={['entity', 'field', 'value', 'source', 'believed_value', 'believed_source', 'observed_at']}
          caption={t('beaten')}
        />
        <Table
          rows={rowsOf(told.purchases)}
          columns={['provider', 'endpoint', 'field', 'credits', 'usd', 'hit', 'requested_at']}
          caption={t('bought')}
        />
      </Panel>
    </>
  )
}

function isRange(value: unknown): value is { min: number; max: number } {
  return typeof value === 'object' && value !== null && 'min' in value && 'max' in value
}

function Decide({ path, told, again }: { path: string; told: Told; again(): void }) {
  const [reason, setReason] = useState('')
  const [until, setUntil] = useState('')
  const [owner, setOwner] = useState('')
  const [answer, tell] = useState('')
  const act = (verb: string, body: object) =>
    post(`${path}/${verb}`, body).then(
      () => {
        tell(t('noted'))
        again()
      },
      (error: unknown) => tell(saidOf(error)),
    )
  const ready = reason.trim() !== '' && until !== ''
  return (
    <Panel title={t('acts')}>
      <div class="bar">
        <label>
          {t('reason')} <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <label>
          {t('until')} <input type="date" value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
        </label>
        <button type="button" disabled={!ready} onClick={() => void act('reject', { reason, until })}>
          {t('reject')}
        </button>
        <button type="button" disabled={!ready} onClick={() => void act('promote', { reason, until })}>
          {t('promote')}
        </button>
        <button type="button" disabled={until === ''} onClick={() => void act('snooze', { until })}>
          {t('snooze')}
        </button>
      </div>
      <div class="bar">
        <label>
          {t('assign')} <input value={owner} onInput={(event) => setOwner(event.currentTarget.value)} />
        </label>
        <button
          type="button"
          disabled={owner.trim() === ''}
          onClick={() => void act('assign', { owner: owner.trim() })}
        >
          {t('assign')}
        </button>
      </div>
      <p role="status">{answer}</p>
      {rowsOf(told.pending).length > 0 && (
        <Table rows={rowsOf(told.pending)} columns={['kind', 'by', 'at', 'waits_for']} caption={t('waiting')} />
      )}
    </Panel>
  )
}
