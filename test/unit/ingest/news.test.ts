import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFeed, NoFeed, names, newsName, readFeed } from '../../../ingest/news.ts'
import { ROOT } from '../../helpers/ingest.ts'

describe('a name as newspapers write it', () => {
  it.each([
    ['Vento Azul Comércio Ltda.', 'Vento Azul Comércio'],
    ['MOINHO NOVO S/A', 'MOINHO NOVO'],
    ['Moinho Novo S.A.', 'Moinho Novo'],
    ['Acme, Inc.', 'Acme'],
    ['Acme Holdings Co., Ltd.', 'Acme Holdings'],
    ['"Acme" (Brasil) LLC', 'Acme Brasil'],
    ['บริษัท ตัวอย่าง', 'บริษัท ตัวอย่าง'],
    ['SA', undefined],
    [null, undefined],
  ])('%s is looked for as %s', (name, wanted) => expect(newsName(name)).toBe(wanted))

  it('is found in a headline as whole words, accents and capitals aside', () => {
    expect(names('A AÇÃO Verde abre loja', 'Acao verde')).toBe(true)
    expect(names('Reação verdejante', 'Ação verde')).toBe(false)
  })
})

const feed = (inner: string) => `<?xml version="1.0"?><rss version="2.0"><channel>${inner}</channel></rss>`

describe('a feed', () => {
  it('gives its items: no title of its image, the source off the headline, entities read', () => {
    const text = feed(
      `<image><title>no</title><link>no</link></image><item><title>R&amp;D - a plan - The Times</title><link>https://x.example/1</link><guid>g1</guid><pubDate>Mon, 02 Mar 2026 23:53:48 -0300</pubDate><source url="https://times.example">The Times</source></item><item><title><![CDATA[No <source> - here]]></title><link>https://x.example/2</link></item><item><link>no title</link></item>`,
    )
    expect(readFeed(text)).toEqual([
      {
        ...{ guid: 'g1', title: 'R&D - a plan', link: 'https://x.example/1', published: '2026-03-03' },
        ...{ source: 'The Times', source_url: 'https://times.example' },
      },
      {
        ...{ guid: 'https://x.example/2', title: 'No <source> - here', link: 'https://x.example/2', published: null },
        ...{ source: null, source_url: null },
      },
    ])
  })

  it.each([
    ['a page', '<!doctype html><html></html>'],
    [
      'a document type',
      '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel></channel></rss>',
    ],
    ['an entity of its own', feed('<item><title>&own;</title><link>l</link></item>')],
    ['CDATA that is not closed', feed('<item><title><![CDATA[').slice(0, -20)],
    ['too much', feed('x'.repeat(5_000_001))],
  ])('is refused: %s', (_what, text) => {
    expect(() => readFeed(text)).toThrow(NoFeed)
    expect(isFeed(text)).toBe(false)
  })

  it('is read in one pass, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '&', ']', '!', '[', 'CDATA', 'item', '/', '"', 'a', '-') }),
        (inner) => {
          try {
            readFeed(feed(inner))
          } catch (error) {
            expect(error).toBeInstanceOf(NoFeed)
          }
        },
      ),
    )
  })

  const real = join(ROOT, '../shared/data/specs/google-news/search-feed-live-trimmed-2026-09-25.xml')
  it.skipIf(!existsSync(real))('of Google is read (needs ../shared)', () => {
    const items = readFeed(readFileSync(real, 'utf8'))
    expect(items.length).toBeGreaterThan(0)
    for (const { title, source, source_url, published, guid } of items) {
      expect(title.endsWith(` - ${source}`)).toBe(false)
      expect([source_url, published, guid].every(Boolean)).toBe(true)
    }
  })
})
