import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeRoot } from '../../pipeline/code-root.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const lacking = browserPath === undefined ? ' (skipped: no Chromium; apt-get install chromium)' : ''

describe.skipIf(lacking !== '')(`the dashboard in a real browser${lacking}`, () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const pictures = join(codeRoot(), 'docs', 'pictures')
  const errors: string[] = []
  let browser: Awaited<ReturnType<typeof chromium.launch>>
  let root: string
  let url: string
  let server: ReturnType<typeof spawn>
  let tab: Page

  beforeAll(async () => {
    root = projectCopy()
    server = spawn(process.execPath, [join(codeRoot(), 'bin', 'pipeline.mjs'), 'serve', '--port', '0'], { cwd: root })
    url = await new Promise<string>((done, fail) => {
      let said = ''
      for (const out of [server.stdout!, server.stderr!])
        out.on('data', (part) => {
          said += part
          const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
          if (found !== undefined) done(found)
        })
      server.on('exit', () => fail(new Error(said)))
    })
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
    tab = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' })
    tab.on('pageerror', (error) => errors.push(error.message))
    tab.on('console', (line) => {
      if (/Content.Security/i.test(line.text())) errors.push(line.text())
    })
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    server?.kill()
    rmSync(root, { recursive: true, force: true })
  })

  /** What axe finds wrong, as rule and place. */
  async function faults(): Promise<string[]> {
    const found = (await tab.evaluate(`${axe}; axe.run()`)) as {
      violations: { id: string; nodes: { html: string }[] }[]
    }
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`)
  }

  it('says what to do before the first run, then shows what the run published', async () => {
    await tab.goto(url)
    await tab.getByText('npx pipeline run').waitFor()
    const built = await pipeline(root, ['run', '--quiet'])
    expect(built.code, built.stderr).toBe(0)
    await tab.getByRole('button', { name: 'Try again' }).click()
    await tab.getByRole('heading', { name: 'Funnel' }).waitFor()
    await tab.locator('canvas').first().waitFor()
    expect(await tab.getByText('reused').count()).toBe(0)
    expect(await faults()).toEqual([])
    mkdirSync(pictures, { recursive: true })
    await tab.screenshot({ path: join(pictures, 'today.png') })
  }, 120_000)

  it('filters leads by address, opens one by keyboard, and shows why it scores', async () => {
    await tab.goto(`${url}/leads`)
    await tab.locator('tbody tr').first().waitFor()
    expect(await faults()).toEqual([])
    await tab.screenshot({ path: join(pictures, 'leads.png') })
    await tab.locator('select[name=status]').selectOption('qualified')
    await tab.waitForURL(/status=qualified/)
    await tab.locator('h1').click()
    await tab.keyboard.press('j')
    await tab.keyboard.press('Enter')
    await tab.getByRole('heading', { name: 'Why this score' }).waitFor()
    await tab.locator('canvas').first().waitFor()
    expect(await faults()).toEqual([])
    await tab.screenshot({ path: join(pictures, 'lead.png') })
  }, 60_000)

  it('shows a message as it would leave, and approves it for the next run', async () => {
    await tab.goto(`${url}/outreach`)
    await tab.locator('pre').first().waitFor()
    expect(await faults()).toEqual([])
    await tab.screenshot({ path: join(pictures, 'outreach.png') })
    await tab.getByRole('button', { name: 'Approve', exact: true }).first().click()
    await tab.getByText('Taken in at the next run.').first().waitFor()
    await tab.getByRole('button', { name: 'Approve', exact: true, disabled: true }).first().waitFor()
  }, 60_000)

  it('stops everything and resumes, speaks Portuguese, and breaks no rule of the content security policy', async () => {
    await tab.getByRole('button', { name: 'Stop everything' }).click()
    await tab.getByRole('button', { name: 'Resume' }).click()
    await tab.getByRole('button', { name: 'Português' }).click()
    await tab.getByRole('heading', { name: 'Contatos' }).waitFor()
    expect(errors).toEqual([])
  }, 60_000)
})
