// How fast rows go to Salesforce when it does not limit us: a session writes accounts to the stand-in (another process, no
// latency) through the shared HTTP layer, by collections and by Bulk API 2.0. The floor: the same collections by bare fetch, four
// at once. node bench/salesforce.mjs [rows] (10000)
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundle, sessionWith } from './salesforce-parts.mjs'

const [role, outfileGiven] = process.argv.slice(2)
if (role === 'org') {
  const { salesforceOrg } = await import(pathToFileURL(outfileGiven).href)
  const org = await salesforceOrg({ daily: 100_000_000 })
  org.bulk.patience = 0
  process.send(org.base_url)
} else await measure(Number(role ?? 10_000))

async function measure(rows) {
  const { outfile, folder } = await bundle()
  const all = Array.from({ length: rows }, (_, n) => ({
    ...{ record_id: `cmp_${n}`, crm_id: null, links: [] },
    fields: { Name: `Company ${n}`, Website: `company${n}.example`, NumberOfEmployees: n, BillingCity: 'Recife' },
  }))
  for (const [name, bulk_above] of [
    ['collections', 1_000_000],
    ['Bulk API 2.0', 2_000],
  ]) {
    const org = await orgUp(outfile)
    const session = await sessionWith(outfile, org.url, { bulk_above, timeout_s: 60 })
    await session.identity()
    const cpu = process.cpuUsage()
    const from = performance.now()
    const ids = new Set()
    for (let at = 0; at < rows; at += 10_000)
      for (const { status, crm_id } of await session.upsert('accounts', all.slice(at, at + 10_000)))
        if (status === 'done') ids.add(crm_id)
    tell(name, rows, from, process.cpuUsage(cpu))
    if (ids.size !== rows) throw new Error(`${ids.size} of ${rows} rows arrived`)
    org.child.kill()
  }
  const org = await orgUp(outfile)
  const form = { grant_type: 'client_credentials', client_id: 'consumer_key', client_secret: 'consumer_secret' }
  const token = await (
    await fetch(`${org.url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  ).json()
  const headers = { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' }
  const cpu = process.cpuUsage()
  const from = performance.now()
  let next = 0
  const worker = async () => {
    for (let at = next++ * 200; at < rows; at = next++ * 200) {
      const records = all
        .slice(at, at + 200)
        .map(({ record_id, fields }) => ({ attributes: { type: 'Account' }, Lead_Engine_Id__c: record_id, ...fields }))
      const path = '/services/data/v68.0/composite/sobjects/Account/Lead_Engine_Id__c'
      await (
        await fetch(org.url + path, { method: 'PATCH', headers, body: JSON.stringify({ allOrNone: false, records }) })
      ).json()
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  tell('bare fetch', rows, from, process.cpuUsage(cpu))
  org.child.kill()
  console.log(`${Math.round(process.memoryUsage().rss / 1e6)} MB resident`)
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
}

function tell(name, rows, from, { user, system }) {
  const seconds = (performance.now() - from) / 1_000
  console.log(
    `${name}: ${rows} rows in ${seconds.toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s CPU), ${Math.round(rows / seconds)} rows/s`,
  )
}

async function orgUp(outfile) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'org', outfile], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return { child, url: await new Promise((resolve) => child.once('message', resolve)) }
}
