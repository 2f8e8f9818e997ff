import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import { ProjectError } from '../../pipeline/errors.ts'
import { readIncoming, watchIncoming } from '../../pipeline/incoming.ts'
import { foldPauses, pauseText } from '../../pipeline/pauses.ts'
import type { Row } from '../../pipeline/warehouse/duckdb.ts'
import { type Places, placesOf } from '../../pipeline/warehouse/home.ts'
import { lockHolder } from '../../pipeline/warehouse/lock.ts'
import { currentPublication } from '../../pipeline/warehouse/publish.ts'
import { openPublished } from '../../pipeline/warehouse/published-file.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { readMessages } from '../read-messages.ts'
import { action } from '../session.ts'
import { reportSpend } from '../spend.ts'
import { textTable } from '../table.ts'

export function register(program: Command): void {
  const command = program
    .command('status')
    .description('last runs, what is published, spend, what waits; locks nobody out')
    .option('--spend', 'what was paid, by provider, endpoint and field, from the ledger', false)
    .option('--month <yyyy-mm>', 'with --spend: this calendar month (UTC) in place of the current one')
  addCommonOptions(command)
  command.options.find(({ long }) => long === '--output')!.choices(['text', 'json', 'markdown', 'csv'])
  command.action(
    action<CommonOptions & { spend: boolean; month?: string }>(async (session, options) => {
      const { report, root, load } = session
      if (options.spend) return reportSpend(session, options, new Date())
      if ((options.output as string) === 'csv')
        throw new ProjectError([
          { file: '--output', message: 'csv goes with --spend', hint: 'Use text, json or markdown.' },
        ])
      const { config } = await load()
      const places = placesOf(root, config.target)
      const published = await readPublished(places)
      const holder = lockHolder(places.ledger)
      const { waiting, unreadable } = readIncoming(places.data)
      const last = lastCall(root)
      const publication = currentPublication(places.warehouse)
      const pauses = await readMessages(places, watchIncoming, 'pause', 'resume')
        .catch(() => watchIncoming(places.data).of('pause', 'resume'))
        .then(foldPauses)
      const incoming = { waiting: waiting.length, unreadable: unreadable.length }
      const status = {
        target: config.target_name,
        live: config.target.live,
        ledger_exists: existsSync(places.ledger),
        publication: publication ?? null,
        held_by: holder ?? null,
        incoming,
        pauses,
        last_call: last,
        ...published,
      }
      if (options.output === 'json') {
        report.json(status)
        return 0
      }
      report.out(
        `target       ${config.target_name}${config.target.live.length > 0 ? ` (live: ${config.target.live.join(', ')})` : ' (nothing leaves this machine)'}`,
      )
      report.out(
        `ledger       ${existsSync(places.ledger) ? relative(root, places.ledger) : 'none yet'}${publication === undefined ? '' : `, ${publication.ledger_id}, generation ${publication.generation} when published`}`,
      )
      report.out(
        `held by      ${holder === undefined ? 'nobody' : `${holder.command} (pid ${holder.pid} on ${holder.host}) since ${holder.since}`}`,
      )
      report.out(
        `published    ${publication === undefined ? 'nothing yet' : `${relative(root, places.warehouse)}, publication ${publication.id} by ${publication.run_id}`}`,
      )
      report.out(
        `incoming     ${incoming.waiting} waiting${incoming.unreadable > 0 ? `, ${incoming.unreadable} unreadable` : ''}`,
      )
      for (const pause of pauses) report.out(`paused       ${pauseText(pause)}`)
      if (last !== null) report.out(`last call    ${last.call}: ${last.outcome}`)
      for (const [title, rows] of Object.entries(published)) {
        if (rows.length === 0) continue
        report.out(`\n${title}`)
        report.out(textTable(rows, Object.keys(rows[0]!), options.output))
      }
      return 0
    }),
  )
}

async function readPublished(
  places: Places,
): Promise<Record<'runs' | 'spend' | 'failures' | 'rejects' | 'crm_rejects', Row[]>> {
  const published = await openPublished(places.warehouse)
  if (published === undefined) return { runs: [], spend: [], failures: [], rejects: [], crm_rejects: [] }
  try {
    const { connection } = published
    return {
      runs: await connection.rows(
        `select run_id, call, as_of, coalesce(status, 'published') as status, exit_code, started_at, ended_at from ops.runs order by run_id desc limit 10`,
      ),
      spend: await connection.rows(
        'select month, service, calls, credits, usd from ops.spend order by month desc, service limit 20',
      ),
      failures: await connection.rows(
        `select name, kind, status, message from ops.nodes where status in ('error', 'skipped') order by name`,
      ),
      rejects: await connection.rows(
        'select source, file, reason, row_count from ops.rejects order by row_count desc, file limit 10',
      ),
      // What was refused stays so until row, mapping or CRM change, or `pipeline sync retry`. Of an older publication: none.
      crm_rejects: await connection
        .rows(
          `select crm, object, code, property, count(*) as records, min(error) as for_example from marts.fct_crm_syncs
           where status = 'rejected' group by all order by records desc, crm, object, code, property limit 10`,
        )
        .catch(() => []),
    }
  } finally {
    published.close()
  }
}

function lastCall(root: string): { call: string; outcome: string } | null {
  try {
    const { args, results } = JSON.parse(readFileSync(join(root, 'target', 'run_results.json'), 'utf8')) as {
      args: { invocation: string }
      results: { status: string }[]
    }
    const counts: Record<string, number> = {}
    for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1
    return {
      call: args.invocation,
      outcome: Object.entries(counts)
        .map(([status, count]) => `${count} ${status}`)
        .join(', '),
    }
  } catch {
    return null
  }
}
