import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pipeline, projectCopy } from '../helpers/cli.ts'
import { type FaultServer, faultServer } from '../helpers/fault-server.ts'

// dbt's own documentation page, as dbt-core ships it, on our manifest and catalog, in a real browser.

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-dbt-docs-'))

/** The page of dbt-core, from PyPI; undefined where that is not reached. */
function dbtPage(): string | undefined {
  const python = (...args: string[]) => spawnSync('python3', args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--timeout', '5', '--retries', '1']
  if (python(...pip, '--only-binary', ':all:', 'dbt-core==1.12.6').status !== 0) return undefined
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
  if (wheel === undefined || python('-m', 'zipfile', '-e', wheel, 'dbt-core').status !== 0) return undefined
  return readFileSync(join(folder, 'dbt-core', 'dbt', 'task', 'docs', 'index.html'), 'utf8')
}

const page = browserPath === undefined ? undefined : dbtPage()
const lacking =
  browserPath === undefined
    ? ' (skipped: no Chromium; apt-get install chromium)'
    : page === undefined
      ? ' (skipped: dbt-core cannot be had; needs python3 with pip, and PyPI)'
      : ''

describe.skipIf(lacking !== '')(`dbt's documentation page opens on our artifacts${lacking}`, () => {
  let server: FaultServer
  let browser: Awaited<ReturnType<typeof chromium.launch>>
  const errors: string[] = []

  beforeAll(async () => {
    const root = projectCopy({
      'models/exposures.yml': `version: 2
groups: [{ name: sales, owner: { name: Sales } }]
exposures:
  - name: weekly_pipeline
    label: Weekly pipeline
    type: dashboard
    owner: { email: revops@example.com }
    description: What the board looks at.
    depends_on: ["ref('fct_scored_leads')"]
`,
    })
    const built = await pipeline(root, ['run', '--set', 'discovery.providers.mock.companies=30', '--quiet'])
    expect(built.code, built.stderr).toBe(0)
    const generated = await pipeline(root, ['docs', 'generate'])
    expect(generated.code, generated.stderr).toBe(0)
    server = await faultServer((response, { url }) => {
      const name = url.split('?')[0]!.slice(1)
      if (name === '') response.setHeader('content-type', 'text/html').end(page)
      else if (/^(manifest|catalog)\.json$/.test(name)) response.end(readFileSync(join(root, 'target', name)))
      else response.writeHead(404).end()
    })
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(place: string): Promise<Page> {
    const tab = await browser.newPage()
    tab.on('pageerror', (error) => errors.push(`${place}: ${error.message}`))
    // Nothing outside is asked: fonts and analytics of the page are of no matter here.
    await tab.route(
      (url) => url.hostname !== '127.0.0.1',
      (route) => route.abort(),
    )
    await tab.goto(`${server.base_url}/#!/${place}`)
    await tab.locator('.menu a').locator('visible=true').first().waitFor()
    return tab
  }

  it('lists the models, and shows one with its columns, sizes and what reads it', async () => {
    const overview = await open('overview')
    const seen = (text: string) => overview.getByText(text, { exact: true }).locator('visible=true').first()
    await overview.getByText('is built by a step').waitFor()
    for (const folder of ['lead_engine', 'models', 'marts']) await seen(folder).click()
    for (const name of ['dim_companies', 'fct_scored_leads']) {
      const entry = overview.locator(`[data-nav-unique-id="model.lead_engine.${name}"]`)
      await entry.locator('visible=true').first().waitFor()
    }
    const model = await open('model/model.lead_engine.fct_scored_leads')
    await model
      .getByRole('heading', { name: /fct_scored_leads/ })
      .first()
      .waitFor()
    const text = await model.locator('body').textContent()
    for (const word of ['lead_id', 'qualification_status', 'VARCHAR', 'Row Count']) expect(text).toContain(word)
    expect(errors).toEqual([])
  })

  it('shows steps, sources and exposures', async () => {
    for (const [place, word] of [
      ['model/model.lead_engine.lead_scores', 'lead_scores'],
      ['source/source.lead_engine.mock.companies', 'companies'],
      ['exposure/exposure.lead_engine.weekly_pipeline', 'What the board looks at.'],
    ] as const) {
      const tab = await open(place)
      await tab.getByText(word).filter({ visible: true }).first().waitFor()
    }
    expect(errors).toEqual([])
  })
})
