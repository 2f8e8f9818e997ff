import { type Row, useApi } from '../api.ts'
import { Bars, Chart } from '../chart.tsx'
import { label } from '../labels.ts'
import type { Place } from '../place.ts'
import { Panel, Parts, Shown, Table, text, when } from '../ui.tsx'
import { count, percent, t } from '../words.ts'

interface Card {
  name: string
  part: string
  segments: string[]
  range: [number, number]
  bands: { band: string; from: number }[]
  weight: number | null
  rules: { rule: string; points: number; group: string | null; when?: unknown; because?: unknown }[]
}
interface Told {
  distribution: { score_from: number; tier: string | null; leads: number }[]
  coverage: { rule: string; leads: number; points: number; points_each: number; for_example: string | null }[]
  history: { day: string; run_id: string; tier: string | null; changed_leads: number; mean_score: number }[]
  moved: Row[]
  backtest: { score_from: number; contacted: number; replied: number; positive: number }[]
  leads: number
  cut_offs: Row[]
  version: string
  cards: Card[]
  tiers: Row[]
}

const PARTS = ['distribution', 'coverage', 'cards', 'backtest', 'history']

/** What the cards say, what they make of the leads there are, and what their scores were worth. */
export function Scores({ place }: { place: Place }) {
  const asked = useApi<Told>('/v1/scores')
  const chosen = new URLSearchParams(place.search).get('part')
  const part = PARTS.find((name) => name === chosen) ?? 'distribution'
  return (
    <Shown asked={asked}>
      {(told) => (
        <>
          <Parts of="scores" parts={PARTS} chosen={part} />
          {part === 'distribution' && <Distribution told={told} />}
          {part === 'coverage' && <Coverage told={told} />}
          {part === 'cards' && told.cards.map((card) => <OneCard key={card.name} card={card} />)}
          {part === 'backtest' && <Backtest rows={told.backtest} />}
          {part === 'history' && <History told={told} />}
        </>
      )}
    </Shown>
  )
}

function Distribution({ told }: { told: Told }) {
  const tiers = [...new Set(told.distribution.map(({ tier }) => tier ?? '–'))].sort()
  const steps = Array.from({ length: 20 }, (_, index) => index * 5)
  return (
    <div class="grid">
      <Panel title={t('distribution')}>
        <Chart
          title={t('distribution')}
          drawing={{
            kind: 'columns',
            names: steps.map(String),
            series: tiers.map((name) => ({
              name,
              values: steps.map((from) =>
                told.distribution
                  .filter(({ tier, score_from }) => (tier ?? '–') === name && score_from === from)
                  .reduce((sum, { leads }) => sum + leads, 0),
              ),
            })),
          }}
          rows={told.distribution}
          columns={['score_from', 'tier', 'leads']}
          height={20}
        />
      </Panel>
      <Panel title={t('tiers')}>
        <p class="quiet">
          {t('card')} {told.version}
        </p>
        <Table rows={told.tiers} columns={['tier', 'from', 'top_percent', 'status']} caption={t('tiers')} />
        <Table
          rows={told.cut_offs}
          columns={['segment', 'tier', 'by', 'cut_off', 'as_of']}
          caption={label('cut_offs')}
        />
      </Panel>
    </div>
  )
}

function Coverage({ told }: { told: Told }) {
  const rows = told.coverage.map((each) => ({ ...each, share: percent(each.leads, told.leads) }))
  const seen = new Set(rows.map(({ rule }) => rule))
  const never = told.cards.flatMap(({ rules }) => rules.filter(({ rule }) => !seen.has(rule)))
  return (
    <>
      <Panel title={t('coverage')}>
        <Bars
          title={t('coverage')}
          bars={rows.map(({ rule, leads, share }) => ({ name: rule, to: leads, says: `${count(leads)} · ${share}` }))}
          rows={rows}
          columns={['rule', 'leads', 'share', 'points_each', 'for_example']}
        />
      </Panel>
      <Panel title={t('never_holds')}>
        <Table rows={never as unknown as Row[]} columns={['rule', 'points', 'group']} caption={t('never_holds')} />
      </Panel>
    </>
  )
}

function OneCard({ card }: { card: Card }) {
  const { name, part, segments, range, bands, weight, rules } = card
  return (
    <Panel title={`${t('card')} ${name}`}>
      <p class="quiet">
        {part} {weight === null ? '' : percent(weight, 1)} · {range.join(' – ')} ·{' '}
        {bands.map(({ band, from }) => `${band} ≥ ${from}`).join(', ')}{' '}
        {segments.length > 0 ? `· ${text(segments)}` : ''}
      </p>
      <Table
        rows={rules.map((rule) => ({ ...rule, when: text(rule.when), because: text(rule.because) }))}
        columns={['rule', 'points', 'group', 'when', 'because']}
        caption={name}
      />
    </Panel>
  )
}

function Backtest({ rows }: { rows: Told['backtest'] }) {
  const all = rows.reduce(
    (sum, each) => ({ contacted: sum.contacted + each.contacted, positive: sum.positive + each.positive }),
    {
      ...{ contacted: 0, positive: 0 },
    },
  )
  const rate = (part: number, whole: number) => (whole === 0 ? null : Math.round((part / whole) * 1000) / 10)
  const told = rows.map((each) => {
    const own = rate(each.positive, each.contacted)
    const mean = rate(all.positive, all.contacted)
    return {
      ...each,
      replied_percent: rate(each.replied, each.contacted),
      positive_percent: own,
      lift: own === null || !mean ? null : own / mean,
    }
  })
  return (
    <Panel title={t('backtest')}>
      {rows.length === 0 ? (
        <p>{t('no_outcomes')}</p>
      ) : (
        <Chart
          title={t('backtest')}
          drawing={{
            kind: 'columns',
            stacked: false,
            names: told.map(({ score_from }) => `${score_from}–${score_from + 20}`),
            series: [
              { name: `${label('replied')} %`, values: told.map(({ replied_percent }) => replied_percent) },
              { name: `${label('positive')} %`, values: told.map(({ positive_percent }) => positive_percent) },
            ],
          }}
          rows={told}
          columns={['score_from', 'contacted', 'replied', 'positive', 'replied_percent', 'positive_percent', 'lift']}
        />
      )}
    </Panel>
  )
}

function History({ told }: { told: Told }) {
  const runs = [...new Set(told.history.map(({ run_id }) => run_id))]
  const tiers = [...new Set(told.history.map(({ tier }) => tier ?? '–'))].sort()
  return (
    <>
      <Panel title={t('history')}>
        <Chart
          title={t('history')}
          drawing={{
            kind: 'columns',
            names: runs.map((run) => when(told.history.find(({ run_id }) => run_id === run)!.day)),
            series: tiers.map((name) => ({
              name,
              values: runs.map((run) =>
                told.history
                  .filter((each) => each.run_id === run && (each.tier ?? '–') === name)
                  .reduce((sum, each) => sum + each.changed_leads, 0),
              ),
            })),
          }}
          rows={told.history}
          columns={['day', 'run_id', 'tier', 'changed_leads', 'mean_score']}
        />
      </Panel>
      <Panel title={t('moved')}>
        <Table
          rows={told.moved}
          columns={['company_name', 'full_name', 'previous_tier', 'tier', 'score_change', 'score']}
          caption={t('moved')}
        />
      </Panel>
    </>
  )
}
