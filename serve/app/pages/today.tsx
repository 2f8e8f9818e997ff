import { type Row, useApi } from '../api.ts'
import { Bars } from '../chart.tsx'
import { label, Panel, Shown, Table } from '../ui.tsx'
import { count, percent, t, usd } from '../words.ts'

interface Stats extends Record<string, unknown> {
  funnel: { stage: string; companies: number; leads: number }[]
  tiers: Row[]
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

/** The morning's look: how far things are, what moved, what it cost, what failed. */
export function Today() {
  const asked = useApi<Stats>('/v1/stats')
  return <Shown asked={asked}>{(stats) => <Overview stats={stats} />}</Shown>
}

function Overview({ stats }: { stats: Stats }) {
  const funnel = stats.funnel.map((each, index) => {
    const before = stats.funnel[index - 1]
    return {
      ...each,
      stage: label(each.stage),
      of_the_stage_before: before === undefined ? '–' : percent(each.companies, before.companies),
    }
  })
  const spent = stats.spend.reduce((sum, each) => sum + each.usd, 0)
  const qualified = stats.funnel.find(({ stage }) => stage === 'qualified')?.leads ?? 0
  const fine = stats.failed_nodes.length === 0 && stats.failed_tests.length === 0
  return (
    <>
      <p class="quiet">
        {t('freshness')} <time dateTime={stats.published_at}>{new Date(stats.published_at).toLocaleString()}</time> (
        {stats.as_of}). {t('waiting')}: {count(stats.waiting)}
      </p>
      <div class="grid">
        <Panel title={t('funnel')}>
          <Bars
            title={t('funnel')}
            bars={funnel.map(({ stage, companies }) => ({ name: stage, to: companies }))}
            rows={funnel}
            columns={['stage', 'companies', 'leads', 'of_the_stage_before']}
          />
        </Panel>
        <Panel title={t('failed')}>
          {fine && <p>{t('all_well')}</p>}
          {stats.failed_nodes.length > 0 && (
            <Table rows={stats.failed_nodes} columns={['name', 'kind', 'status', 'message']} caption={t('nodes')} />
          )}
          {stats.failed_tests.length > 0 && (
            <Table rows={stats.failed_tests} columns={['name', 'about', 'severity', 'failures']} caption={t('tests')} />
          )}
          {stats.rejects.length > 0 && (
            <Table rows={stats.rejects} columns={['source', 'reason', 'row_count']} caption={t('rejects')} />
          )}
        </Panel>
        <Panel title={t('tiers')}>
          <Table rows={stats.tiers} columns={['tier', 'qualification_status', 'leads']} caption={t('tiers')} />
          <Table rows={stats.tier_moves} columns={['previous_tier', 'tier', 'leads']} caption={t('tier_moves')} />
        </Panel>
        <Panel title={t('spend')}>
          <p>
            {usd(spent)} · {t('per_qualified')}: {qualified === 0 ? '–' : usd(spent / qualified)}
          </p>
          <Bars
            title={t('spend')}
            bars={stats.spend.map(({ service, usd: to }) => ({ name: service, to }))}
            rows={stats.spend as unknown as Row[]}
            columns={['service', 'calls', 'credits', 'usd']}
          />
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
