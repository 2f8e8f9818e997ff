import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeRoot } from '../../pipeline/code-root.ts'
import { readIncoming } from '../../pipeline/incoming.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'
import { HOSTILE, publishChanged, type Served, served } from '../helpers/dashboard.ts'

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const lacking = browserPath === undefined ? ' (skipped: no Chromium; apt-get install chromium)' : ''
/** PICTURES=1 writes those of docs/, which are the same to nobody's eye but not to the byte. */
const pictures = process.env.PICTURES === '1' ? join(codeRoot(), 'docs', 'pictures') : undefined

const PAGES = ['/', '/day', '/leads', '/outreach', '/crm', '/review', '/pipeline', '/scores', '/ask']

describe.skipIf(lacking !== '')(`the dashboard in a real browser${lacking}`, () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const errors: string[] = []
  let browser: Browser
  let root: string
  let server: Served
  let tab: Page

  beforeAll(async () => {
    root = projectCopy()
    server = await served(root)
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
    tab = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', acceptDownloads: true })
    tab.on('pageerror', (error) => errors.push(error.message))
    tab.on('console', (line) => {
      if (/Content.Security/i.test(line.text())) errors.push(line.text())
    })
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    server?.child.kill()
    rmSync(root, { recursive: true, force: true })
  })

  /** What axe finds wrong, as rule and place. */
  async function faults(): Promise<string[]> {
    const found = (await tab.evaluate(`${axe}; axe.run()`)) as {
      violations: { id: string; nodes: { html: string }[] }[]
    }
    return found.violations.map(({ id, nodes }) => `${tab.url()} ${id}: ${nodes[0]?.html.slice(0, 160)}`)
  }

  async function picture(name: string): Promise<void> {
    if (pictures === undefined) return
    mkdirSync(pictures, { recursive: true })
    await tab.screenshot({ path: join(pictures, `${name}.jpg`), type: 'jpeg', quality: 72 })
  }

  const loaded = () =>
    tab
      .getByText(/^(Loading|Carregando)…$/)
      .first()
      .waitFor({ state: 'hidden' })
  const open = async (path: string) => {
    await tab.goto(server.url + path)
    await tab.locator('h1').waitFor()
    await loaded()
  }

  it('says what to do before the first run, on every page', async () => {
    for (const path of PAGES) {
      await open(path)
      await tab.getByText('npx pipeline run').first().waitFor()
    }
    expect(await faults()).toEqual([])
    const built = await pipeline(root, ['run', '--quiet'])
    expect(built.code, built.stderr).toBe(0)
    await tab.getByRole('button', { name: 'Try again' }).first().click()
    await tab.getByRole('heading', { name: 'Your question' }).waitFor()
  }, 180_000)

  it('shows every page in light and dark, in English and Portuguese, wide and narrow, with nothing that axe finds', async () => {
    const shown: Record<string, string> = {}
    for (const path of PAGES) {
      await open(path)
      await tab.locator('main :is(h2, form, nav, select)').first().waitFor()
      shown[path] = (await tab.locator('h1').textContent()) ?? ''
      expect(await faults()).toEqual([])
      const name = path === '/' ? 'today' : path.slice(1)
      if (['today', 'pipeline', 'scores', 'review'].includes(name)) await picture(name)
    }
    expect(shown).toMatchObject({ '/': 'Today', '/crm': 'CRM', '/ask': 'Ask' })
    await tab.getByRole('button', { name: 'Light/dark' }).click()
    await tab.getByRole('button', { name: 'Português' }).click()
    await tab.setViewportSize({ width: 390, height: 844 })
    for (const path of PAGES) {
      await open(path)
      await tab.locator('main :is(h2, form, nav, select)').first().waitFor()
      expect(await faults()).toEqual([])
      const wider = await tab.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(wider, `${path} is wider than a phone`).toBeLessThanOrEqual(0)
      if (path === '/') await picture('hoje-escuro')
    }
    expect(await tab.locator('h1').textContent()).toBe('Perguntar')
    await tab.getByRole('button', { name: 'English' }).click()
    await tab.getByRole('button', { name: 'Light/dark' }).click()
    await tab.setViewportSize({ width: 1280, height: 860 })
  }, 120_000)

  it('goes by keyboard from Today to why a lead scores as it does; filters are the address', async () => {
    await open('/')
    await tab.keyboard.press('g')
    await tab.keyboard.press('l')
    await tab.locator('tbody tr').first().waitFor()
    await picture('leads')
    await tab.locator('select[name=status]').selectOption('qualified')
    await tab.waitForURL(/status=qualified/)
    await loaded()
    await tab.locator('h1').click()
    await tab.keyboard.press('j')
    await tab.keyboard.press('j')
    expect(await tab.evaluate('document.activeElement.closest("tr").rowIndex')).toBe(2)
    await tab.keyboard.press('k')
    await tab.keyboard.press('Enter')
    await tab.getByRole('heading', { name: 'Why this score' }).waitFor()
    await tab.locator('canvas').first().waitFor()
    await tab.getByRole('list', { name: 'Where it stands' }).waitFor()
    await tab
      .getByText(/· mock, \d/)
      .first()
      .waitFor()
    expect(await faults()).toEqual([])
    await picture('lead')
    await tab.goBack()
    expect(tab.url()).toContain('status=qualified')
    await tab.keyboard.press('?')
    await tab.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  }, 60_000)

  it('keeps columns and views, and writes a CSV', async () => {
    await tab.getByText('Columns').click()
    await tab.getByLabel('Domain').check()
    await tab.getByRole('columnheader', { name: 'Domain' }).waitFor()
    await tab.getByText('Saved views').click()
    await tab.getByLabel('Save this view as').fill('Mine')
    await tab.getByRole('button', { name: 'Save' }).click()
    await open('/leads')
    await tab.getByRole('columnheader', { name: 'Domain' }).waitFor()
    await tab.getByText('Saved views').click()
    await tab.getByRole('link', { name: 'Mine' }).click()
    await tab.waitForURL(/status=qualified/)
    const [file] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('button', { name: 'Export CSV' }).click(),
    ])
    const lines = readFileSync((await file.path())!, 'utf8').split('\r\n')
    expect(lines[0]).toBe('lead_id,company_name,full_name,title,score,tier,qualification_status,owner,domain')
    expect(lines.slice(1, -1).every((line) => line.includes(',qualified,'))).toBe(true)
  }, 60_000)

  it('approves messages: one by its key, one with other words, several after a look at what stands in their way', async () => {
    await open('/outreach')
    await tab.locator('pre').first().waitFor()
    await picture('outreach')
    await tab.locator('h1').click()
    await tab.keyboard.press('j')
    await tab.keyboard.press('a')
    await tab.getByText('Taken in at the next run.').first().waitFor()
    const edited = tab.locator('article').nth(1)
    await edited.getByRole('button', { name: 'Edit' }).click()
    await edited.getByLabel('Body').fill('Other words.')
    await edited.getByRole('button', { name: 'Save these words + Approve' }).click()
    await edited.getByText('Taken in at the next run.').waitFor()
    for (const place of [2, 3]) await tab.getByLabel('Choose', { exact: true }).nth(place).check()
    await tab.getByRole('button', { name: /Check chosen/ }).click()
    await tab.getByText('nothing stands in its way').first().waitFor()
    await tab.getByRole('button', { name: /Reject chosen/ }).click()
    await tab.getByText('Reject: Taken in at the next run.').first().waitFor()
    const left = readIncoming(join(root, 'data')).waiting.map(({ message }) => message)
    expect(
      left
        .map(({ kind }) => kind)
        .sort()
        .slice(0, 3),
    ).toEqual(['approve', 'edit', 'reject'])
    expect(left.find(({ kind }) => kind === 'edit')?.body).toMatchObject({
      body: 'Other words.',
      approve: true,
      by: 'local',
    })
  }, 60_000)

  it('stops everything from any page, and resumes', async () => {
    await open('/scores')
    await tab.getByRole('button', { name: 'Stop everything' }).click()
    await tab.getByText(/Paused: /).waitFor()
    await open('/pipeline')
    await tab.getByText(/Paused: /).waitFor()
    await tab.getByRole('button', { name: 'Resume' }).click()
    await tab.getByRole('button', { name: 'Resume' }).waitFor({ state: 'detached' })
  }, 60_000)

  it('shows a model with its columns, and where a column comes from', async () => {
    await open('/pipeline')
    await tab.getByLabel('Search').fill('lead_rows')
    await tab.getByLabel('Search').press('Enter')
    await tab.getByRole('link', { name: 'lead_rows', exact: true }).click()
    await tab.getByRole('link', { name: 'email', exact: true }).click()
    await tab.getByRole('link', { name: 'fct_enriched_leads.email' }).waitFor()
    await tab.locator('canvas').first().waitFor()
    expect(await faults()).toEqual([])
    await picture('lineage')
  }, 60_000)

  it('answers a question in SQL with a picture and a table, and says why not', async () => {
    await open('/ask')
    await tab.getByRole('button', { name: /^Ask/ }).click()
    await tab.locator('canvas').first().waitFor({ timeout: 30_000 })
    await tab.getByRole('region', { name: 'Ask' }).getByRole('cell', { name: 'qualified' }).first().waitFor()
    expect(await faults()).toEqual([])
    await picture('ask')
    await tab.getByRole('textbox').fill("select * from read_csv('/etc/passwd')")
    await tab.getByRole('textbox').press('Control+Enter')
    await tab.getByText('read_csv() is not to be asked here').waitFor()
  }, 60_000)

  it('says plainly when the server does not answer or refuses', async () => {
    await tab.route('**/v1/scores', (route) => route.abort())
    await open('/scores')
    await tab.getByRole('heading', { name: 'The server does not answer.' }).waitFor()
    await tab.unroute('**/v1/scores')
    await tab.getByRole('button', { name: 'Try again' }).click()
    await tab.getByRole('heading', { name: 'Distribution' }).waitFor()
    await open('/leads/lead_that_is_none')
    await tab.getByText('There is no lead of this id.').waitFor()
    expect(await faults()).toEqual([])
  }, 60_000)

  it('follows a later publication: replies, tasks, what was refused and found; what others write stays text', async () => {
    await publishChanged(root, 'later')
    await open('/day')
    await tab.getByRole('heading', { name: 'Replies to answer' }).waitFor()
    expect(await faults()).toEqual([])
    await picture('my-day')
    await tab.getByLabel('Whose').selectOption('ana')
    await tab.waitForURL(/owner=ana/)
    await tab.getByLabel('Whose').selectOption('all')
    const task = tab
      .locator('article', { has: tab.getByRole('button', { name: 'Interested', exact: true, disabled: false }) })
      .first()
    await task.getByRole('button', { name: 'Interested', exact: true }).click()
    await tab.getByText('Task: Taken in at the next run.').first().waitFor()
    await tab.getByRole('button', { name: 'Answered' }).first().click()
    await tab.getByText('Lead snooze: Taken in at the next run.').first().waitFor()
    for (const [path, words] of [
      ['/leads', HOSTILE.element],
      ['/crm?part=rejected', `${HOSTILE.element} is no address`],
      ['/', 'the service refused the key'],
      ['/scores?part=backtest', 'What scores were worth'],
      ['/outreach?part=replies', `${HOSTILE.element} call me`],
      ['/outreach?part=health', 'Mailboxes'],
      ['/outreach?part=not_sent', 'Not sent'],
    ] as const) {
      await open(path)
      await tab.getByText(words).first().waitFor()
      expect(await faults()).toEqual([])
    }
    await open('/leads')
    await tab.getByRole('link', { name: HOSTILE.element }).click()
    await tab.getByRole('heading', { name: HOSTILE.element }).waitFor()
    await open('/pipeline')
    await tab.getByRole('button', { name: 'Show rows' }).click()
    await tab.getByRole('cell', { name: 'a row that was found' }).waitFor()
    expect(await tab.evaluate('window.hacked')).toBeUndefined()
    await open('/leads')
    const [file] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('button', { name: 'Export CSV' }).click(),
    ])
    expect(readFileSync((await file.path())!, 'utf8')).toContain(`"'=HYPERLINK(""https://evil.example""`)
  }, 120_000)

  it('pages, sorts and searches a million leads', async () => {
    await publishChanged(root, 'million')
    await open('/leads')
    await tab.getByText(/1,000,\d\d\d leads/).waitFor({ timeout: 20_000 })
    await tab.getByRole('button', { name: 'Next page' }).click()
    await tab.waitForURL(/after=/)
    await tab.getByLabel('Search').fill('company 777777')
    await tab.getByLabel('Search').press('Enter')
    await tab.getByRole('link', { name: 'Company 777777' }).waitFor()
    await tab.getByText('1 leads').waitFor()
    await tab.getByRole('button', { name: 'Clear filters' }).click()
    await tab.getByRole('button', { name: 'Company' }).click()
    await tab.waitForURL(/sort=company_name/)
    expect(errors).toEqual([])
  }, 120_000)
})
