import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { codeRoot } from '../../../pipeline/code-root.ts'
import { toCsv } from '../../../serve/app/csv.ts'
import { builtApp, filesBelow } from '../../../serve/app-build.ts'
import { appFiles } from '../../../serve/app-files.ts'

it('is built once per content, within 400 kB of compressed JavaScript, and nothing of it is inline', async () => {
  const built = await builtApp(codeRoot())
  const before = statSync(built).ctimeMs
  expect(await builtApp(codeRoot())).toBe(built)
  expect(statSync(built).ctimeMs).toBe(before)
  const scripts = filesBelow(built).filter((path) => path.endsWith('.js'))
  const sizes = scripts.map((path) => gzipSync(readFileSync(join(built, path))).length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(400_000)
  const page = readFileSync(join(built, 'index.html'), 'utf8')
  expect(page).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\son\w+=|https?:/)
}, 60_000)

it('answers pages by the one file, files by their path, and nothing else', async () => {
  const files = appFiles(await builtApp(codeRoot()))
  for (const path of [
    '/',
    '/day',
    '/leads',
    '/leads/abc',
    '/outreach',
    '/crm',
    '/review',
    '/pipeline',
    '/scores',
    '/ask',
  ])
    expect(files(path, '')?.headers.get('content-type'), path).toBe('text/html; charset=utf-8')
  const packed = files('/', 'gzip, br')
  expect(packed?.headers.get('content-encoding')).toBe('gzip')
  const src = /src="([^"]+)"/.exec(await files('/', '')!.text())![1]!
  expect(files(src, '')?.headers.get('cache-control')).toContain('immutable')
  for (const path of ['/nothing', '/v1/leads', '/../package.json', '/leads/a/b'])
    expect(files(path, ''), path).toBeUndefined()
}, 60_000)

it('a CSV has no cell that a spreadsheet would take for a formula', () => {
  const rows = [{ name: '=HYPERLINK("x")', phone: '+55 11', score: -3, note: '＠x\n"y"', empty: null }]
  expect(toCsv(['name', 'phone', 'score', 'note', 'empty'], rows)).toBe(
    'name,phone,score,note,empty\r\n"\'=HYPERLINK(""x"")",\'+55 11,-3,"\'＠x\n""y""",\r\n',
  )
})
