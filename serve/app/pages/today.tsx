import { type Row, useApi } from '../api.ts'
import { Bars, Chart } from '../chart.tsx'
import { label } from '../labels.ts'
import { Figure, Panel, Shown, Table, when } from '../ui.tsx'
import { count, percent, t, usd } from '../words.ts'

interface Stats extends Record<string, unknown> {
  funnel: { stage: string; companies: number; leads: number }[]
  tiers: { tier: string | null; qualification_status: string; leads: number }[]
  tier_moves: Row[]
  spend: { service: string; calls: number; credits: number; usd: number }[]
  failed_nodes: Row[]
  failed_tests: Row[]
  rejects: Row[]
  last_runs: Row[]
  published_at: string
  as_of: string
  waiting: number
}

interface Now {
  growth: { stage: string; change: number | null }[]
  services: Row[]
  caps: { cap: string; limit: number; spent: number }[]
  age_hours: number
  is_old: boolean
  last_call: { call: string; at: string; failed: Row[] } | null
}

/** The way from the profile to the CRM. */
const STAGES = ['discovered', 'icp', 'enriched', 'qualified', 'contacted', 'replied', 'in_crm']
const STATES = ['qualified', 'nurture', 'disqualified']

/** The morning's look: how far things are, what moved, what it cost, what failed. */
export function Today() {
  const asked = useApi<Stats>('/v1/stats')
  const now = useApi<Now>('/v1/today')
  return <Shown asked={asked}>{(stats) => <Overview stats={stats} now={now.data} />}</Shown>
}

function Overview({ stats, now }: { stats: Stats; now: Now | undefined }) {
  const change = new Map(now?.growth.map((each) => [each.stage, each.change]))
  const stages = STAGES.flatMap((name) => stats.funnel.filter(({ stage }) => stage === name))
  const funnel = stages.map((each, index) => {
    const before = stages[index - 1]
    return {
      ...each,
      stage: label(each.stage),
      change: change.get(each.stage) ?? null,
      of_the_stage_before: before === undefined ? '–' : percent(each.companies, before.companies),
    }
  })
  const signed = (value: number | null) =>
    value === null || value === 0 ? '' : ` (${value > 0 ? '+' : ''}${count(value)})`
  const spent = stats.spend.reduce((sum, each) => sum + each.usd, 0)
  const qualified = stages.find(({ stage }) => stage === 'qualified')?.leads ?? 0
  const failures = stats.failed_nodes.length + stats.failed_tests.length
  const tiers = [...new Set(stats.tiers.map(({ tier }) => tier ?? '–'))]
  const failedCall = now?.last_call !== null && (now?.last_call.failed.length ?? 0) > 0 ? now?.last_call : undefined
  return (
    <>
      {now?.is_old === true && (
        <p class="alert" role="alert">
          {t('old')} {count(Math.round(now.age_hours))} {t('hours')}
        </p>
      )}
      {failedCall !== undefined && failedCall !== null && (
        <section class="alert" role="alert">
          {t('last_call_failed')} <code>{failedCall.call}</code> ({when(failedCall.at)})
          <Table rows={failedCall.failed} columns={['node', 'status', 'message']} caption={t('failed')} />
        </section>
      )}
      <div class="figures">
        <Figure name={t('qualified_leads')} value={count(qualified)} />
        <Figure name={t('spend')} value={usd(spent)} />
        <Figure name={t('per_qualified')} value={qualified === 0 ? '–' : usd(spent / qualified)} />
        <Figure name={t('failures')} value={count(failures)} bad={failures > 0} />
        <Figure name={t('waiting')} value={count(stats.waiting)} />
        <Figure name={t('freshness')} value={when(stats.published_at)} note={when(stats.as_of)} />
      </div>
      <div class="grid">
        <Panel title={t('funnel')}>
          <Bars
            title={t('funnel')}
            bars={funnel.map((each) => ({
              name: each.stage,
              to: each.companies,
              says: `${count(each.companies)}${signed(each.change)}`,
            }))}
            rows={funnel}
            columns={['stage', 'companies', 'leads', 'change', 'of_the_stage_before']}
          />
        </Panel>
        <Panel title={t('tiers')}>
          <Chart
            title={t('tiers')}
            drawing={{
              kind: 'columns',
              names: tiers,
              series: STATES.map((state) => ({
                name: label(state),
                values: tiers.map((tier) =>
                  stats.tiers
                    .filter((each) => (each.tier ?? '–') === tier && each.qualification_status === state)
                    .reduce((sum, { leads }) => sum + leads, 0),
                ),
              })),
            }}
            rows={stats.tiers}
            columns={['tier', 'qualification_status', 'leads']}
          />
          {stats.tier_moves.length > 0 && (
            <Table rows={stats.tier_moves} columns={['previous_tier', 'tier', 'leads']} caption={t('tier_moves')} />
          )}
        </Panel>
        <Panel title={t('failed')}>
          {failures === 0 && <p>{t('all_well')}</p>}
          {stats.failed_nodes.length > 0 && (
            <Table rows={stats.failed_nodes} columns={['name', 'kind', 'status', 'message']} caption={t('nodes')} />
          )}
          {stats.failed_tests.length > 0 && (
            <Table rows={stats.failed_tests} columns={['name', 'severity', 'failures']} caption={t('tests')} />
          )}
          {stats.rejects.length > 0 && (
            <Table rows={stats.rejects} columns={['source', 'reason', 'row_count']} caption={t('rejects')} />
          )}
          <Table
            rows={now?.services ?? []}
            columns={['service', 'last_asked', 'last_answered', 'calls_7d', 'broken_off']}
            caption={t('services')}
          />
        </Panel>
        <Panel title={t('spend')}>
          <Bars
            title={t('spend')}
            bars={stats.spend.map(({ service, usd: to }) => ({ name: service, to, says: usd(to) }))}
            rows={stats.spend.map((each) => ({
              ...each,
              per_qualified: qualified === 0 ? null : usd(each.usd / qualified),
            }))}
            columns={['service', 'calls', 'credits', 'usd', 'per_qualified']}
          />
          {now !== undefined && now.caps.length === 0 ? (
            <p class="quiet">{t('no_caps')}</p>
          ) : (
            <Table
              rows={(now?.caps ?? []).map((each) => ({ ...each, share: percent(each.spent, each.limit) }))}
              columns={['cap', 'spent', 'limit', 'share']}
              caption={t('caps')}
            />
          )}
        </Panel>
      </div>
      <Panel title={t('last_runs')}>
        <Table
          rows={stats.last_runs}
          columns={['started_at', 'command', 'target', 'as_of', 'status', 'exit_code']}
          caption={t('last_runs')}
        />
      </Panel>
    </>
  )
}
