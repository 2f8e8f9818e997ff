import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { drawFaults, NO_FAULTS } from '../fakes/faults.ts'
import { type Org, salesforceOrg } from '../fakes/salesforce/org.ts'
import { type CliResult, pipeline, projectCopy } from '../helpers/cli.ts'

// Whole runs against an org on this machine. What was written is read from the org's journal.

const LONG = 240_000
let org: Org
let root = ''
const env = { SF_ID: 'consumer_key', SF_SECRET: 'consumer_secret_of_ours' }

beforeAll(async () => {
  org = await salesforceOrg({ login: { client_id: env.SF_ID, client_secret: env.SF_SECRET }, set_up: false })
  root = projectCopy({}, 60)
  const crm = `salesforce: { login_url: "${org.base_url}", org_id: ${org.org_id}, client_id: "\${SF_ID}", client_secret: "\${SF_SECRET}", timeout_s: 2 }`
  change((text) => text.replace(/ {4}file: \{ path: data\/crm \}/, `    ${crm}`))
  const { stdout, stderr } = await pipeline(root, ['ledger', 'init', '--output', 'json'], { env })
  const id = /led-[\w-]+/.exec(stdout + stderr)![0]
  change((text) => text.replace(/(dev: \{ .*threads: 4) \}/, `$1, ledger_id: ${id}, live: [sync] }`))
}, LONG)
afterAll(async () => {
  await org.close()
  rmSync(root, { recursive: true, force: true })
})
afterEach(() => org.faults(NO_FAULTS))

function change(to: (text: string) => string): void {
  const file = join(root, 'pipeline.yaml')
  writeFileSync(file, to(readFileSync(file, 'utf8')))
}

const call = (...args: string[]): Promise<CliResult> => pipeline(root, args, { env })
const written = () => org.journal.applies().filter(({ by, object }) => by === 'api' && !object.startsWith('#'))
const made = (object: string) => written().filter((entry) => entry.act === 'create' && entry.object === object)

it('says that the org is not set up, before anything is written, and sets it up', { timeout: LONG }, async () => {
  const { code, stderr } = await call('run')
  expect(code, stderr).not.toBe(0)
  expect(stderr).toMatch(/Lead_Engine_Id__c[\s\S]*pipeline sync setup/)
  expect(written()).toEqual([])
  const shown = await call('sync', 'setup')
  expect(shown.stdout + shown.stderr).toContain('Lead_Engine_Id__c')
  expect(org.store.all('#field')).toEqual([])
  const setup = await call('sync', 'setup', '--create')
  expect(setup.code, setup.stderr).toBe(0)
  expect(org.store.all('#field').map(({ Id }) => Id)).toContain('Opportunity.Lead_Engine_Id__c')
})

it('writes accounts, people, deals with their contacts and briefs, under faults, each once', {
  timeout: LONG,
}, async () => {
  const kinds = ['reset before', 'reset after', '502 after', '500', 'truncated', 'session expired']
  org.faults(drawFaults({ seed: 5, share: 0.2, kinds, target: /composite|query/ }))
  let last = await call('run')
  org.faults(NO_FAULTS)
  if (last.code !== 0) last = await call('run')
  expect(last.code, last.stderr).toBe(0)
  for (const object of ['Account', 'Contact', 'Opportunity', 'OpportunityContactRole', 'Task']) {
    const keys = made(object).map(({ key }) => key)
    expect(keys.length, object).toBeGreaterThan(0)
    expect(new Set(keys).size, object).toBe(keys.length)
  }
  for (const { AccountId } of org.store.all('Opportunity'))
    expect(org.store.get('Account', String(AccountId))).toBeDefined()
  const deals = org.store.all('Opportunity').filter(({ Lead_Engine_Id__c }) => Lead_Engine_Id__c)
  const briefs = org.store.all('Task').filter(({ Lead_Engine_Id__c }) => String(Lead_Engine_Id__c).startsWith('note:'))
  expect(briefs.map(({ WhatId }) => WhatId).toSorted()).toEqual(deals.map(({ Id }) => Id).toSorted())
  expect(last.stdout + last.stderr).not.toContain(env.SF_SECRET)
})

it('writes nothing when nothing has changed, and leaves alone what a person typed', { timeout: LONG }, async () => {
  const [account] = org.store.all('Account')
  org.people.edit('Account', account!.Id, { Name: 'As the seller calls it' })
  const before = written().length
  const { code, stderr } = await call('run')
  expect(code, stderr).toBe(0)
  expect(
    written()
      .slice(before)
      .filter(({ by }) => by === 'api'),
  ).toEqual([])
  expect(org.store.get('Account', account!.Id)!.Name).toBe('As the seller calls it')
})

it('writes nothing to another org, and shows no secret', { timeout: LONG }, async () => {
  const before = written().length
  change((text) => text.replace(org.org_id, '00D000000000ZZZ'))
  const { code, stderr, stdout } = await call('run', '--full-refresh')
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/open account 00D5f000000TEST, the settings name 00D000000000ZZZ/)
  expect(written().length).toBe(before)
  expect(stdout + stderr).not.toMatch(/consumer_secret_of_ours|00D\w{12}!/)
})
