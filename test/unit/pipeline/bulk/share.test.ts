import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { linksIn, responsesIn } from '../../../../pipeline/bulk/listing.ts'

const shared = (path: string) => fileURLToPath(new URL(`../../../../../shared/data/receita/${path}`, import.meta.url))
const hasShared = existsSync(shared('webdav'))

describe('responsesIn', () => {
  it('reads names, sizes and marks, whatever the prefix and however they are written', () => {
    const xml = `<D:multistatus xmlns:D="DAV:"><D:response><D:href>/dav/2026-08/</D:href></D:response>
      <D:response><D:href>/dav/2026-08/A%20&amp;%20B.zip</D:href><D:propstat><D:prop><D:getcontentlength>12</D:getcontentlength>
      <D:getetag>&quot;e&quot;</D:getetag></D:prop></D:propstat></D:response></D:multistatus>`
    expect(responsesIn(xml)).toEqual([
      { name: '2026-08', size: undefined, mark: '  ' },
      { name: 'A & B.zip', size: 12, mark: '"e"  12' },
    ])
    expect(responsesIn(xml.replaceAll('D:', '').replace('xmlns:D', 'xmlns'))).toEqual(responsesIn(xml))
  })

  it.skipIf(!hasShared)('reads the answers of ../shared (skipped where that is absent)', () => {
    const read = (name: string) => responsesIn(readFileSync(shared(`webdav/${name}.xml`), 'utf8'))
    expect(read('propfind-root').map(({ name }) => name)).toEqual(['webdav', '2026-07', '2026-08'])
    expect(read('propfind-month')[1]).toMatchObject({ name: 'Empresas0.zip', size: 341_000_000 })
  })
})

describe('linksIn', () => {
  it.skipIf(!hasShared)('reads the old page of ../shared (skipped where that is absent)', () => {
    const files = linksIn(readFileSync(shared('minha-receita-testdata/2024-08.html'), 'utf8')).filter(({ name }) =>
      /zip$/.test(name),
    )
    expect(files).toHaveLength(37)
    expect(files).toContainEqual({ name: 'Empresas0.zip', mark: '2024-08-14 11:48 341M' })
  })

  it('leaves out the links that sort the page', () => {
    expect(linksIn('<a href="?C=M">x</a>\n<a href="2026-08/">2026-08/</a>  2026-08-14')).toEqual([
      { name: '2026-08', mark: '2026-08-14' },
    ])
  })
})
