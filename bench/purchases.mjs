// Rounds of enrichment over many companies whose tier is open: a vendor in process answers one company a call, the ledger
// is in memory. How long it takes, and the memory it needs: both must grow with the number of companies and no faster.
// node bench/purchases.mjs [companies…] (2000 20000)
import { mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sizes = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(root, 'node_modules', '.bench-purchases-'))
const outfile = join(folder, 'purchases.mjs')
await build({
  absWorkingDir: root,
  stdin: {
    contents: `export { world } from './test/helpers/world.ts'; export { purchaseStep } from './ingest/purchases.ts'
      export { sourcesOf } from './ingest/enrichment.ts'; export { icpSchema } from './ingest/icp.ts'; export { z } from 'zod'`,
    resolveDir: root,
  },
  ...{ outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' },
})
const { world, purchaseStep, sourcesOf, icpSchema, z } = await import(pathToFileURL(outfile).href)

for (const companies of sizes.length > 0 ? sizes : [2_000, 20_000]) await measure(companies)
rmSync(folder, { recursive: true, force: true })

/** Two vendors: the cheap one knows every other company, so that there are two rounds. */
function vendor(name, credits, knows) {
  const row = z.object({ subject_id: z.string(), employees: z.int().nullable() })
  const provider = {
    ...{ title: name, docs: 'https://vendor.example', settings: z.strictObject({}) },
    http: () => ({
      ...{ base_url: 'https://vendor.example', usd_per_credit: 0.1 },
      transport: ({ body: [subject] }) => ({
        status: 200,
        body: [{ subject_id: subject.subject_id, employees: knows(subject) ? 9 : null }],
      }),
    }),
    resources: {
      sizes: {
        ...{ description: 'Sizes', row, key: ['subject_id'], write: 'merge', price: { call: credits } },
        fills: { headcount: { hit: ({ employees }) => employees !== null } },
        async *pages({ http, subjects }) {
          yield (await http.send({ method: 'POST', path: '/size', body: subjects, credits })).json()
        },
      },
    },
  }
  return { name, provider, version: 'v1', settings: {} }
}

async function measure(companies) {
  const w = await world({ as_of: '2026-01-31', live: ['spend'] })
  await w.connection.run(`
    create schema if not exists intermediate; create schema if not exists discovery; create schema if not exists staging;
    create table intermediate.int_companies_merged as
      select 'cmp_' || i as company_id, 'Company ' || i as name, 'c' || i || '.example' as domain, null::varchar as cnpj,
        'BR' as country
      from range(${companies}) as t(i);
    create table discovery.icp_prospects as select company_id, 'one' as profile, true as is_match
      from intermediate.int_companies_merged;
    create table intermediate.int_contacts_merged (
      contact_id varchar, company_id varchar, full_name varchar, email varchar, linkedin_url varchar);
    create table intermediate.int_companies_excluded (company_id varchar, reason varchar);
    create table intermediate.int_records_identified (id varchar, source varchar, source_key varchar);
    create table intermediate.int_suppressions_combined (suppressed_by varchar, suppressed_value varchar, origin varchar);
    create table intermediate.int_subjects_resolved (entity varchar, subject_id varchar, id varchar);
    create table intermediate.int_lead_facts as select 'lead_' || company_id as lead_id, company_id,
      null::varchar as contact_id from intermediate.int_companies_merged`)
  const on = [vendor('cheap', 1, ({ subject_id }) => subject_id.endsWith('1')), vendor('dear', 2, () => true)]
  const known = on.map(({ name }) => `select subject_id from raw.${name}__sizes where employees > 0`).join(' union ')
  const bounds = `(select lead_id, known.subject_id is null as is_open, 'B' as tier, 10 as score_min, 60 as score_max,
      [{'field': 'employee_count', 'score_min': 10, 'score_max': 60, 'changes_alone': true}] as fields
    from intermediate.int_lead_facts left join (${known}) as known on known.subject_id = company_id)`
  const icp = icpSchema.parse({ version: 1, profiles: { one: { description: 'One', hard: { countries: ['BR'] } } } })
  const rules = [{ field: 'headcount', sources: sourcesOf('headcount', on), order: 'fixed', agree: 1 }]
  const settings = { buy: 'decides', buy_for_tiers: [], explore: { share: 0, usd_per_run: 0 } }
  const step = purchaseStep({ rules, settings, icp, prices: new Map() })
  const context = await w.context(step)
  let asking = 0
  const ask = async () => {
    asking++
    return [bounds, 'intermediate.int_lead_facts']
  }
  const started = performance.now()
  const cpu = process.cpuUsage()
  const summary = await step.run({ ...context, ask })
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - started) / 1000
  const per = ((used.user + used.system) / 1e3 / summary.counts.asked).toFixed(2)
  console.log(
    `${companies} companies: ${summary.counts.asked} questions in ${asking} rounds, ${seconds.toFixed(1)} s, ` +
      `${per} ms of CPU a question, ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`,
  )
  w.close()
}
