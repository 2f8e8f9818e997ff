// kill -9 of whoever writes to Salesforce, and of Salesforce: a process makes accounts, people, deals and their contacts what
// they should be, by what the org holds; it is killed at random, the org now and then, a quarter of the answers is faulty.
// The judge reads the org's journal: each key made once, every field and parent right, then nothing more to write.
// node bench/salesforce-kill.mjs [kills] (200) [rows] (10000) [seed]
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundle, sessionWith } from './salesforce-parts.mjs'

const KINDS = [
  'reset before',
  'reset after',
  '502 after',
  '500',
  '503',
  'truncated',
  'html page',
  'drip',
  'session expired',
]
const self = fileURLToPath(import.meta.url)
const [role, ...given] = process.argv.slice(2)
if (role === 'org') await beOrg(...given)
else if (role === 'writer') await beWriter(...given)
else await judge()

/** What there should be, by object, parents first. */
function wanted(rows, version) {
  const [companies, people, deals] = [0.4, 0.4, 0.2].map((share) => Math.round(rows * share))
  const many = (count, one) => Array.from({ length: count }, (_, n) => one(n))
  const parent = (object, n) => [{ object, key: `${object}_${n}` }]
  return {
    accounts: many(companies, (n) => ({
      key: `accounts_${n}`,
      fields: { Name: `Company ${n}`, Phone: `${n % 7}-${version}` },
    })),
    contacts: many(people, (n) => ({
      ...{ key: `contacts_${n}`, fields: { LastName: `Person ${n}`, Title: `Version ${version}` } },
      links: parent('accounts', n % companies),
    })),
    opportunities: many(deals, (n) => ({
      key: `opportunities_${n}`,
      fields: { Name: `Deal ${n}`, StageName: 'Prospecting', CloseDate: '2027-01-31', NextStep: `${version}` },
      links: parent('accounts', n % companies),
      contact: `contacts_${n % people}`,
    })),
  }
}

async function beOrg(outfile, port, journal_file, seed) {
  const { salesforceOrg, drawFaults } = await import(pathToFileURL(outfile).href)
  const org = await salesforceOrg({
    port: Number(port),
    admin_port: Number(port) + 1,
    journal_file,
    daily: 100_000_000,
  })
  org.bulk.patience = 1
  org.faults(drawFaults({ seed: Number(seed), share: 0.32, kinds: KINDS }))
  process.send('up')
}

async function beWriter(outfile, url, rows, version, bulk_above) {
  const session = await sessionWith(outfile, url, { timeout_s: 2, bulk_above: Number(bulk_above) }, 30)
  const all = wanted(Number(rows), version)
  const ids = new Map()
  const held = new Map()
  for (const object of Object.keys(all)) {
    for await (const records of session.pull(object, null))
      for (const record of records) if (!record.deleted) held.set(record.record_id, record)
    const missing = all[object]
      .map((row) => ({ ...row, record: held.get(row.key) }))
      .filter(
        ({ fields, record }) =>
          !record || Object.entries(fields).some(([name, value]) => record.fields[name] !== value),
      )
      .map(({ key, fields, links = [], record }) => ({
        ...{ record_id: key, crm_id: record?.crm_id ?? null, fields },
        links: links.map((link) => ({ object: link.object, crm_id: ids.get(link.key) })),
      }))
    for (let from = 0; from < missing.length; from += 1_000) {
      const part = missing.slice(from, from + 1_000)
      const outcomes = await session.upsert(object, part)
      if (outcomes.some(({ status }) => status !== 'done')) process.exit(3)
      for (const [index, { crm_id }] of outcomes.entries()) ids.set(part[index].record_id, crm_id)
    }
    for (const { key } of all[object]) if (!ids.has(key)) ids.set(key, held.get(key)?.crm_id)
  }
  const hung = ({ key, contact }) => held.get(key)?.links.some(({ crm_id }) => crm_id === ids.get(contact))
  const pairs = all.opportunities
    .filter((row) => !hung(row))
    .map(({ key, contact }) => ({ from_id: ids.get(key), to_id: ids.get(contact) }))
  for (const { status } of await session.link('opportunities', 'contacts', pairs))
    if (status !== 'done') process.exit(3)
  process.exit(0)
}

async function judge() {
  const [kills, rows, seed] = [
    Number(role ?? 200),
    Number(given[0] ?? 10_000),
    Number(given[1] ?? Math.floor(Math.random() * 1e6)),
  ]
  console.log(`seed ${seed}, ${rows} rows, ${kills} kills`)
  const { outfile, folder } = await bundle()
  const { openJournal } = await import(pathToFileURL(outfile).href)
  const place = mkdtempSync(join(tmpdir(), 'salesforce-kill-'))
  const file = join(place, 'journal.jsonl')
  const port = 20_000 + (seed % 10_000)
  let state = seed
  const draw = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
  const start = (...args) =>
    spawn(process.execPath, [self, ...args.map(String)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const orgUp = async (nth) => {
    const child = start('org', outfile, port, file, seed + nth)
    await new Promise((resolve) => child.once('message', resolve))
    return child
  }
  let org = await orgUp(0)
  const counts = { kills: 0, org_kills: 0, lives: 0, versions: 0 }
  const from = performance.now()
  for (let version = 1; counts.kills < kills || version === 1; version++) {
    for (;;) {
      const writer = start('writer', outfile, `http://127.0.0.1:${port}`, rows, version, draw() < 0.5 ? 300 : 5_000)
      counts.lives++
      const life = counts.kills < kills ? 800 + draw() * 2_200 : 600_000
      const timer = setTimeout(() => writer.kill('SIGKILL'), life)
      const code = await new Promise((resolve) => writer.once('exit', resolve))
      clearTimeout(timer)
      if (code === null) counts.kills++
      if (counts.lives % 10 === 0) {
        org.kill('SIGKILL')
        await new Promise((resolve) => org.once('exit', resolve))
        org = await orgUp(++counts.org_kills)
      }
      if (code === 0) break
    }
    counts.versions = version
  }
  const before = openJournal(Date.now, file)
    .applies()
    .filter(({ object }) => !object.startsWith('#')).length
  for (let code = 1; code !== 0; ) {
    const last = start('writer', outfile, `http://127.0.0.1:${port}`, rows, counts.versions, 5_000)
    code = await new Promise((resolve) => last.once('exit', resolve))
  }
  org.kill('SIGKILL')
  await new Promise((resolve) => org.once('exit', resolve))
  const journal = openJournal(Date.now, file)
  const seconds = Math.round((performance.now() - from) / 1_000)
  console.log({ ...counts, seconds, ...verdict(journal, wanted(rows, counts.versions), before) })
  rmSync(folder, { recursive: true, force: true })
  rmSync(place, { recursive: true, force: true })
}

function verdict(journal, all, before) {
  const requests = journal.requests()
  const applies = journal.applies().filter(({ object }) => !object.startsWith('#'))
  const records = new Map()
  const made = new Map()
  for (const { act, object, id, key, by, fields } of applies) {
    records.set(id, { ...records.get(id), ...fields, object })
    if (act === 'create' && by === 'api') made.set(`${object} ${key}`, (made.get(`${object} ${key}`) ?? 0) + 1)
  }
  const byKey = new Map(
    [...records].map(([id, record]) => [`${record.object} ${record.Lead_Engine_Id__c}`, { id, ...record }]),
  )
  const names = { accounts: 'Account', contacts: 'Contact', opportunities: 'Opportunity' }
  const of = (key) => byKey.get(`${names[key.split('_')[0]]} ${key}`)
  const result = {
    twice: [...made.values()].filter((times) => times > 1).length,
    lost: 0,
    wrong: 0,
    wrong_parents: 0,
    roles_missing: 0,
  }
  for (const rows of Object.values(all)) {
    for (const { key, fields, links = [], contact } of rows) {
      const record = of(key)
      if (record === undefined) result.lost++
      else {
        if (Object.entries(fields).some(([name, value]) => record[name] !== value)) result.wrong++
        if (links.some((link) => record.AccountId !== of(link.key)?.id)) result.wrong_parents++
        if (contact && !byKey.has(`OpportunityContactRole ${record.id}-${of(contact)?.id}`)) result.roles_missing++
      }
    }
  }
  const roles = [...records.values()].filter(({ object }) => object === 'OpportunityContactRole').length
  const faulty = requests.filter(({ fault }) => fault !== null).length
  return {
    ...result,
    roles_too_many: roles - all.opportunities.length,
    written_when_nothing_changed: applies.length - before,
    requests: requests.length,
    faulty: `${Math.round((100 * faulty) / requests.length)} %`,
  }
}
