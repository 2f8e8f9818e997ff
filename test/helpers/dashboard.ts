import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { codeRoot } from '../../pipeline/code-root.ts'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'

export interface Served {
  url: string
  child: ChildProcess
}

/** The real command, on whichever port is free. */
export async function served(root: string): Promise<Served> {
  const child = spawn(process.execPath, [join(codeRoot(), 'bin', 'pipeline.mjs'), 'serve', '--port', '0'], {
    cwd: root,
  })
  const url = await new Promise<string>((done, fail) => {
    let said = ''
    for (const out of [child.stdout, child.stderr])
      out.on('data', (part) => {
        said += part
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
        if (found !== undefined) done(found)
      })
    child.on('exit', () => fail(new Error(said)))
  })
  return { url, child }
}

/** What a name may hold that somebody else writes. */
export const HOSTILE = {
  element: '<img src=x onerror="window.hacked=1">',
  script: '</title><script>window.hacked=2</script>',
  formula: '=HYPERLINK("https://evil.example","x")',
}

/** A second publication, as later runs might have made it: people wrote back, rows were refused, tests found something. */
const LATER = `
  create temp table chosen as select lead_id, row_number() over (order by score desc, lead_id) as place from ops.lead_rows;
  update ops.lead_rows set owner = case when place % 2 = 0 then 'ana' else 'rui' end from chosen
    where chosen.lead_id = lead_rows.lead_id and place <= 20;
  update ops.lead_rows set company_name = '${HOSTILE.element}' where lead_id = (select lead_id from chosen where place = 1);
  update ops.lead_rows set company_name = '${HOSTILE.script}' where lead_id = (select lead_id from chosen where place = 2);
  update ops.lead_rows set company_name = '${HOSTILE.formula}' where lead_id = (select lead_id from chosen where place = 3);
  update marts.fct_scored_leads set deal_brief = '## ${HOSTILE.element}' || chr(10) || '- **${HOSTILE.script}**'
    where lead_id = (select lead_id from chosen where place = 1);
  update marts.fct_outreach_events set status = 'sent', sent_at = as_of() - interval 5 days where channel = 'email' and status = 'planned'
    and sequence_step = (select min(sequence_step) from marts.fct_outreach_events);
  update marts.fct_outreach_events set status = 'replied', response_type = 'interested', responded_at = as_of() - interval 2 days,
    response = '${HOSTILE.element} call me' where event_id in (select event_id from marts.fct_outreach_events
    where status = 'sent' order by event_id limit 4);
  update marts.fct_outreach_events set status = 'bounced' where event_id = (select max(event_id) from marts.fct_outreach_events where status = 'sent');
  update marts.fct_outreach_events set status = 'approved', planned_at = as_of() - interval 1 day where channel = 'linkedin' and status = 'planned';
  update marts.fct_crm_syncs set status = 'rejected', code = 'INVALID_EMAIL', property = 'email', error = '${HOSTILE.element} is no address'
    where sync_id in (select sync_id from marts.fct_crm_syncs where object = 'contacts' order by sync_id limit 3);
  update ops.tests set status = 'warn', severity = 'warn', failures = 2 where test_id = (select min(test_id) from ops.tests);
  insert into ops.test_rows select min(test_id), 0, '{"name": "a row that was found"}' from ops.tests;
  update ops.nodes set status = 'error', message = 'the service refused the key' where name = 'dim_contacts';`

/** A million more leads, of which every field that a list shows is filled. */
const MILLION = `
  insert into ops.lead_rows by name select 'lead_' || lpad(i::varchar, 20, '0') as lead_id, 'cmp_' || (i // 2) as company_id,
    'con_' || i as contact_id, 'Company ' || i as company_name, 'company ' || i as search_text, 'Person ' || i as full_name,
    'CTO' as title, (i % 9973) / 99.73 as score, chr(65 + (i % 3)::int) as tier, 'BR' as country,
    ['qualified', 'nurture', 'disqualified'][(i % 3) + 1] as qualification_status, 'software' as industry from range(1000000) as t(i)`

/** Publishes a changed copy of what is published, as a run does: a new folder, then one link. */
export async function publishChanged(root: string, what: 'later' | 'million'): Promise<void> {
  const current = dirname(realpathSync(join(root, 'data', 'warehouse.duckdb')))
  const folder = dirname(current)
  const id = what === 'later' ? '000901' : '000902'
  const next = join(folder, id)
  mkdirSync(next)
  for (const name of ['warehouse.duckdb', 'docs.json', 'nodes.json', 'publication.json']) {
    copyFileSync(join(current, name), join(next, name))
    chmodSync(join(next, name), 0o644)
  }
  cpSync(join(current, 'exports'), join(next, 'exports'), { recursive: true })
  const publication = JSON.parse(readFileSync(join(next, 'publication.json'), 'utf8')) as object
  writeFileSync(join(next, 'publication.json'), JSON.stringify({ ...publication, id }))
  const database = await openDatabase({ path: join(next, 'warehouse.duckdb') })
  const connection = await database.connect()
  await connection.run(`create temp macro as_of() as (select max(as_of) from ops.score_cutoffs)`)
  for (const statement of (what === 'later' ? LATER : MILLION).split(/;\s*\n/)) await connection.run(statement)
  await connection.run('checkpoint')
  connection.close()
  database.close()
  const link = join(folder, 'next')
  symlinkSync(id, link)
  renameSync(link, join(folder, 'current'))
}
