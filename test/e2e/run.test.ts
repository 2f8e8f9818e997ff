import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Connection, openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const AS_OF = ['--as-of', '2026-11-20']
const LONG = 120_000

async function withFile<T>(path: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const database = await openDatabase({ path, read_only: true })
  const connection = await database.connect()
  try {
    return await work(connection)
  } finally {
    connection.close()
    database.close()
  }
}

/** Every mart as CSV, hashed: what "the same bytes" means. */
async function martsOf(root: string): Promise<Record<string, string>> {
  return withFile(realpathSync(join(root, 'data/warehouse.duckdb')), async (connection) => {
    const tables = await connection.rows<{ name: string }>(
      `select table_name as name from duckdb_tables() where schema_name = 'marts' order by name`,
    )
    const folder = mkdtempSync(join(tmpdir(), 'lead-engine-csv-'))
    const hashes: Record<string, string> = {}
    for (const { name } of tables) {
      const file = join(folder, `${name}.csv`)
      await connection.run(`copy marts.${name} to '${file}' (format csv, header)`)
      hashes[name] = createHash('sha256').update(readFileSync(file)).digest('hex')
    }
    rmSync(folder, { recursive: true })
    return hashes
  })
}

function filesBelow(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    entries.map((entry) => [
      join(entry.parentPath, entry.name),
      createHash('sha256')
        .update(readFileSync(join(entry.parentPath, entry.name)))
        .digest('hex'),
    ]),
  )
}

describe('pipeline run, as a newcomer runs it', () => {
  let root: string
  let first: Awaited<ReturnType<typeof pipeline>>

  beforeAll(async () => {
    root = projectCopy({}, 300)
    first = await pipeline(root, ['run', ...AS_OF])
  }, LONG)

  it('goes through the five stages and says so', () => {
    expect(first.stderr).not.toContain('failed')
    expect(first.code).toBe(0)
    for (const stage of ['discovery', 'enrichment', 'scoring', 'outreach', 'sync', 'models', 'tests', 'published'])
      expect(first.stderr).toMatch(new RegExp(`^${stage}`, 'm'))
    expect(first.stderr).toContain('nothing leaves this machine')
    expect(first.stderr).toContain('Next')
  })

  it('publishes every mart of the contract with rows, keys and types', async () => {
    const contract: Record<string, Record<string, string>> = {
      dim_companies: {
        company_id: 'VARCHAR',
        name: 'VARCHAR',
        industry: 'VARCHAR',
        country: 'VARCHAR',
        state: 'VARCHAR',
        employee_count: 'INTEGER',
        revenue_usd: 'DOUBLE',
        website: 'VARCHAR',
        tech_stack: 'VARCHAR[]',
        funding_stage: 'VARCHAR',
        discovered_at: 'TIMESTAMP',
        source: 'VARCHAR',
        domain: 'VARCHAR',
        cnpj: 'VARCHAR',
        cnae_code: 'VARCHAR',
        city: 'VARCHAR',
        founded_year: '',
        sources: 'VARCHAR[]',
        icp_profiles: 'VARCHAR[]',
        is_icp_match: 'BOOLEAN',
      },
      dim_contacts: {
        contact_id: 'VARCHAR',
        company_id: 'VARCHAR',
        full_name: 'VARCHAR',
        title: 'VARCHAR',
        email: 'VARCHAR',
        linkedin_url: 'VARCHAR',
        seniority: 'VARCHAR',
        department: 'VARCHAR',
        email_status: 'VARCHAR',
        phone: 'VARCHAR',
        source: 'VARCHAR',
        discovered_at: 'TIMESTAMP',
      },
      fct_enriched_leads: {
        lead_id: 'VARCHAR',
        company_id: 'VARCHAR',
        contact_id: 'VARCHAR',
        tech_stack_detected: 'VARCHAR[]',
        buying_signals: '[]',
        social_signals: 'STRUCT',
        news_mentions: '[]',
        enrichment_completeness: 'DOUBLE',
        enriched_at: 'TIMESTAMP',
        tech_stack_gaps: 'VARCHAR[]',
        enrichment_sources: 'VARCHAR[]',
      },
      fct_scored_leads: {
        lead_id: 'VARCHAR',
        score: 'DOUBLE',
        qualification_status: 'VARCHAR',
        budget_signal: 'BOOLEAN',
        authority_signal: 'BOOLEAN',
        need_signal: 'BOOLEAN',
        timeline_signal: 'BOOLEAN',
        deal_brief: 'VARCHAR',
        scored_at: 'TIMESTAMP',
        tier: 'VARCHAR',
        fit_score: 'DOUBLE',
        intent_score: 'DOUBLE',
        score_possible: 'STRUCT',
        needs_data: 'VARCHAR[]',
        reasons: '[]',
        score_version: 'VARCHAR',
        owner: 'VARCHAR',
      },
      fct_outreach_events: {
        event_id: 'VARCHAR',
        lead_id: 'VARCHAR',
        channel: 'VARCHAR',
        sequence_step: 'INTEGER',
        status: 'VARCHAR',
        response_type: 'VARCHAR',
        sent_at: 'TIMESTAMP',
        responded_at: 'TIMESTAMP',
        sequence: 'VARCHAR',
        step_id: 'VARCHAR',
        variant: 'VARCHAR',
        mailbox: 'VARCHAR',
        subject: 'VARCHAR',
        body: 'VARCHAR',
        planned_at: 'TIMESTAMP',
        skip_reason: 'VARCHAR',
        approved_by: 'VARCHAR',
        approved_at: 'TIMESTAMP',
      },
      fct_crm_syncs: {
        object: 'VARCHAR',
        record_id: 'VARCHAR',
        crm: 'VARCHAR',
        crm_id: 'VARCHAR',
        operation: 'VARCHAR',
        status: 'VARCHAR',
        changed_fields: 'VARCHAR[]',
        synced_at: 'TIMESTAMP',
        error: 'VARCHAR',
      },
      fct_score_reasons: { lead_id: 'VARCHAR' },
      fct_score_history: { lead_id: 'VARCHAR', score: 'DOUBLE', tier: 'VARCHAR' },
      fct_buying_signals: { company_id: 'VARCHAR', kind: 'VARCHAR' },
      fct_provider_calls: {
        provider: 'VARCHAR',
        endpoint: 'VARCHAR',
        field: 'VARCHAR',
        company_id: 'VARCHAR',
        lead_id: 'VARCHAR',
        run_id: 'VARCHAR',
        credits: '',
        usd: '',
        hit: '',
        cached: 'BOOLEAN',
        requested_at: 'TIMESTAMP',
      },
      fct_runs: { run_id: 'VARCHAR' },
    }
    await withFile(realpathSync(join(root, 'data/warehouse.duckdb')), async (connection) => {
      for (const [mart, columns] of Object.entries(contract)) {
        const types = new Map(
          (await connection.describe(`select * from marts.${mart}`)).map(({ name, type }) => [name, type]),
        )
        for (const [column, type] of Object.entries(columns)) {
          expect(types.get(column), `${mart}.${column}`).toBeDefined()
          expect(types.get(column), `${mart}.${column}`).toContain(type)
        }
        const [{ n }] = (await connection.rows<{ n: number }>(`select count(*) as n from marts.${mart}`)) as [
          { n: number },
        ]
        expect(n, mart).toBeGreaterThan(0)
      }
      const [sent] = await connection.rows<{ n: number }>(
        `select count(*) as n from marts.fct_outreach_events where status not in ('planned', 'skipped') or sent_at is not null`,
      )
      expect(sent!.n).toBe(0)
      const objects = await connection.rows<{ type: string }>(
        `select distinct table_type as type from information_schema.tables where table_schema not in ('information_schema')`,
      )
      expect(objects).toEqual([{ type: 'BASE TABLE' }])
      const schemas = await connection.rows<{ s: string }>(
        'select distinct schema_name as s from duckdb_tables() order by s',
      )
      expect(schemas).toEqual([{ s: 'marts' }, { s: 'ops' }])
    })
    expect(existsSync(join(root, 'data/crm'))).toBe(false)
  })

  it('leaves links, read-only files, Parquet without personal data, and the artifacts', async () => {
    expect(readlinkSync(join(root, 'data/warehouse.duckdb'))).toBe('.published/current/warehouse.duckdb')
    expect(readlinkSync(join(root, 'data/exports'))).toBe('.published/current/exports')
    expect(lstatSync(join(root, 'data/.published/current')).isSymbolicLink()).toBe(true)
    expect(statSync(realpathSync(join(root, 'data/warehouse.duckdb'))).mode & 0o777).toBe(0o444)
    for (const file of ['manifest.json', 'run_results.json', 'compiled/lead_engine/models/marts/dim_companies.sql'])
      expect(existsSync(join(root, 'target', file))).toBe(true)
    const database = await openDatabase()
    const connection = await database.connect()
    const columns = (
      await connection.describe(`select * from '${join(root, 'data/exports/dim_contacts.parquet')}'`)
    ).map(({ name }) => name)
    expect(columns).toContain('contact_id')
    for (const personal of ['full_name', 'email', 'linkedin_url', 'phone']) expect(columns).not.toContain(personal)
    connection.close()
    database.close()
  })

  it('a published file copied alone to another folder answers a query on every relation in it', async () => {
    const copy = join(mkdtempSync(join(tmpdir(), 'lead-engine-copy-')), 'alone.duckdb')
    copyFileSync(realpathSync(join(root, 'data/warehouse.duckdb')), copy)
    await withFile(copy, async (connection) => {
      const tables = await connection.rows<{ t: string }>(
        `select schema_name || '.' || table_name as t from duckdb_tables()`,
      )
      expect(tables.length).toBeGreaterThan(15)
      for (const { t } of tables) await connection.rows(`select * from ${t}`)
    })
  })

  it(
    'run again with nothing changed, it does nothing twice and says so',
    async () => {
      await pipeline(root, ['run', ...AS_OF])
      const before = filesBelow(join(root, 'data/.published'))
      const ledger = await martsOf(root)
      const again = await pipeline(root, ['run', ...AS_OF])
      expect(again.code).toBe(0)
      expect(again.stderr).toContain('nothing was done twice')
      expect(filesBelow(join(root, 'data/.published'))).toEqual(before)
      expect(await martsOf(root)).toEqual(ledger)
    },
    LONG,
  )

  it(
    'from nothing but the ledger comes the same warehouse, with no provider asked',
    async () => {
      const before = await martsOf(root)
      const calls = async () =>
        withFile(join(root, 'data/ledger.duckdb'), (connection) =>
          connection.rows('select count(*) as n from log.calls'),
        )
      const asked = await calls()
      rmSync(join(root, 'data/.build'), { recursive: true })
      rmSync(join(root, 'data/.published'), { recursive: true })
      rmSync(join(root, 'data/warehouse.duckdb'))
      expect((await pipeline(root, ['run', ...AS_OF])).code).toBe(0)
      expect(await martsOf(root)).toEqual(before)
      expect((await pipeline(root, ['clean'])).code).toBe(0)
      expect(existsSync(join(root, 'target'))).toBe(false)
      expect((await pipeline(root, ['run', ...AS_OF])).code).toBe(0)
      expect(await martsOf(root)).toEqual(before)
      expect((await pipeline(root, ['run', '--full-refresh', ...AS_OF])).code).toBe(0)
      expect(await martsOf(root)).toEqual(before)
      expect((await pipeline(root, ['retry', ...AS_OF])).code).toBe(0)
      expect(await martsOf(root)).toEqual(before)
      expect(await calls()).toEqual(asked)
    },
    LONG,
  )

  it(
    'from two equal ledgers the same commit and as-of give the same bytes',
    async () => {
      const other = projectCopy({}, 300)
      await pipeline(root, ['ledger', 'backup', join(other, 'data/ledger.duckdb')])
      const date = ['--as-of', '2026-11-21']
      const env = { TZ: 'Asia/Tokyo', LANG: 'pt_BR.UTF-8' }
      const runs = await Promise.all([
        pipeline(root, ['run', ...date]),
        pipeline(other, ['run', '--threads', '1', ...date], { env }),
      ])
      expect(runs.map(({ code }) => code)).toEqual([0, 0])
      const [ours, theirs] = [await martsOf(root), await martsOf(other)]
      expect(Object.keys(ours)).toContain('fct_runs')

      expect(theirs).toEqual(ours)
    },
    LONG,
  )

  it(
    'replays a past date without recording, asking or acting',
    async () => {
      const count = () =>
        withFile(join(root, 'data/ledger.duckdb'), (connection) =>
          connection.rows(
            'select (select count(*) from log.calls) as calls, (select count(*) from log.loads) as loads, (select count(*) from log.runs) as runs',
          ),
        )
      const before = await count()
      const { code } = await pipeline(root, ['run', ...AS_OF])
      expect(code).toBe(0)
      expect(await count()).toEqual(before)
    },
    LONG,
  )
})

describe('what a run never does', () => {
  let root: string

  beforeAll(async () => {
    root = projectCopy()
    await pipeline(root, ['run', ...AS_OF])
  }, LONG)

  it(
    'a failed test: exit 1, published files unchanged byte for byte, nothing outward',
    async () => {
      const before = filesBelow(join(root, 'data/.published'))
      const model = join(root, 'models/marts/dim_companies.sql')
      const written = readFileSync(model, 'utf8')
      writeFileSync(join(root, 'test/data/always_fails.sql'), `select * from {{ ref('dim_companies') }} limit 3`)
      writeFileSync(
        join(root, 'models/marts/dim_companies.sql'),
        `${readFileSync(join(root, 'models/marts/dim_companies.sql'), 'utf8')}\n-- touched\nlimit 200`,
      )
      const { code, stderr } = await pipeline(root, ['run', '--as-of', '2026-11-21'])
      expect(code).toBe(1)
      expect(stderr).toContain('3 rows break always_fails')
      expect(stderr).toContain('limit 3')
      expect(stderr).not.toMatch(/^outreach|^sync {8}crm_sync/m)
      expect(filesBelow(join(root, 'data/.published'))).toEqual(before)
      rmSync(join(root, 'test/data/always_fails.sql'))
      writeFileSync(model, written)
    },
    LONG,
  )

  it(
    'run -s and the dbt commands act outward in nothing, even where the target is live',
    async () => {
      expect((await pipeline(root, ['run'])).code).toBe(0)
      const { stdout } = await pipeline(root, ['ledger', 'init'])
      const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
      writeFileSync(
        join(root, 'pipeline.yaml'),
        config.replace('threads: 4 }', `threads: 4, ledger_id: ${stdout.trim()}, live: [spend, send, sync] }`),
      )
      for (const args of [
        ['run', '-s', 'fct_scored_leads'],
        ['build'],
        ['test'],
        ['seed'],
        ['compile'],
        ['ls'],
        ['show', '-s', 'dim_companies'],
      ]) {
        const { code, stderr } = await pipeline(root, args)
        expect(stderr, args.join(' ')).not.toMatch(/^(outreach|sync) /m)
        expect(code, args.join(' ')).toBe(0)
      }
      expect(existsSync(join(root, 'data/crm'))).toBe(false)
      expect((await pipeline(root, ['run'])).code).toBe(0)
      expect(existsSync(join(root, 'data/crm/companies.json'))).toBe(true)
    },
    LONG,
  )

  it(
    'a live target refuses a missing, another, and an older ledger, and does nothing',
    async () => {
      const ledger = join(root, 'data/ledger.duckdb')
      const [id, old, moved] = [
        readFileSync(join(root, 'pipeline.yaml'), 'utf8').match(/led-[0-9a-f-]+/)![0],
        join(root, 'old.duckdb'),
        join(root, 'moved.duckdb'),
      ]
      await pipeline(root, ['ledger', 'backup', old])
      writeFileSync(
        join(root, 'scoring/scores/fit.yml'),
        readFileSync(join(root, 'scoring/scores/fit.yml'), 'utf8').replace(/because: (["']?)/, 'because: $1Now '),
      )
      expect((await pipeline(root, ['run'])).code).toBe(0)
      const crm = filesBelow(join(root, 'data/crm'))
      copyFileSync(ledger, moved)
      copyFileSync(old, ledger)
      const older = await pipeline(root, ['run'])
      expect(older.code).toBe(2)
      expect(older.stderr).toContain('older than')
      rmSync(ledger)
      const missing = await pipeline(root, ['run'])
      expect(missing.code).toBe(2)
      expect(missing.stderr).toContain('has no ledger')
      copyFileSync(moved, ledger)
      const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
      writeFileSync(join(root, 'pipeline.yaml'), config.replace(id, 'led-00000000-0000-4000-8000-000000000000'))
      const other = await pipeline(root, ['run'])
      expect(other.code).toBe(2)
      expect(other.stderr).toContain(id)
      expect(filesBelow(join(root, 'data/crm'))).toEqual(crm)
    },
    LONG,
  )
})

describe('kill -9 in the middle of the whole chain', () => {
  it(
    'the next run finishes the work: the same marts as undisturbed, nobody asked twice',
    async () => {
      const undisturbed = projectCopy()
      const killed = projectCopy()
      await pipeline(undisturbed, ['run', ...AS_OF])
      for (const after of [700, 1500, 2500, 3500]) {
        await pipeline(killed, ['run', ...AS_OF], {
          onStart: (child) => setTimeout(() => child.kill('SIGKILL'), after),
        })
      }
      expect((await pipeline(killed, ['run', ...AS_OF])).code).toBe(0)
      // Which run did what differs: the killed ones are on record.
      const byRun = ['fct_runs', 'fct_provider_calls', 'fct_score_history']
      const [ours, theirs] = [await martsOf(killed), await martsOf(undisturbed)]
      for (const mart of byRun) for (const marts of [ours, theirs]) delete marts[mart]
      expect(ours).toEqual(theirs)
      await withFile(join(killed, 'data/ledger.duckdb'), async (connection) => {
        const twice = await connection.rows('select request_hash from log.calls group by 1 having count(*) > 1')
        expect(twice).toEqual([])
      })
    },
    LONG,
  )
})
