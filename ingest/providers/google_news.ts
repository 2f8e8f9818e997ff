import { z } from 'zod'
import { defineProvider, isFeed, looksLikeFeed, names, newsName, readFeed } from '../define.ts'

const item = z.object({
  subject_id: z.string(),
  guid: z.string(),
  title: z.string(),
  /** Google's own redirect, as it is: it is not resolved. */
  link: z.string(),
  published: z.iso.date().nullable(),
  source: z.string().nullable(),
  source_url: z.string().nullable(),
  /** The headline names the company; else the text does. */
  in_title: z.boolean(),
})

/** Edition and language go together; another pair is answered with a redirect. */
const EDITIONS: Record<string, { hl: string; gl: string; ceid: string }> = {
  BR: { hl: 'pt-BR', gl: 'BR', ceid: 'BR:pt-419' },
  US: { hl: 'en-US', gl: 'US', ceid: 'US:en' },
}

export default defineProvider({
  title: 'Google News',
  docs: 'https://news.google.com/rss',
  settings: z.strictObject({
    base_url: z.url().default('https://news.google.com'),
    /** The feed says that it is for personal, non-commercial use in a feed reader, and that any other use is prohibited. */
    i_may_use_this_feed: z.literal(
      true,
      'must be true: its owner allows personal, non-commercial use only (gdelt is free)',
    ),
    days: z.int().min(1).max(365).default(90),
  }),
  http: ({ base_url }) => ({
    base_url,
    headers: { accept: 'application/rss+xml, application/xml' },
    limits: { per_minute: 20, concurrency: 1 },
    meaning({ status, text }) {
      if (status === 200 && isFeed(text)) return 'ok'
      // A wall (cookies, "unusual traffic") comes as a page with 200, 302, 429 or 503: we are too fast.
      if (looksLikeFeed(text)) return status === 200 ? 'later' : undefined
      return [200, 302, 503].includes(status) ? 'rate' : undefined
    },
  }),
  async check({ http }) {
    await http.send({ path: '/rss/search', query: { q: 'news when:1d', ...EDITIONS.US } })
    return 'it answers; free for personal, non-commercial use only'
  },
  resources: {
    articles: {
      description: 'Items of Google News that name the company. For personal, non-commercial use.',
      row: item,
      key: ['subject_id', 'guid'],
      write: 'merge',
      needs: ['name'],
      fills: { news: { confidence: ({ in_title }) => (in_title ? 0.9 : 0.5) } },
      async *pages({ http, settings, subjects, as_of }) {
        const from = new Date(Date.parse(as_of) - settings.days * 86_400_000).toISOString().slice(0, 10)
        for (const { subject_id, company_id, name, country } of subjects) {
          const phrase = newsName(name)
          if (phrase === undefined) continue
          const q = `"${phrase}" after:${from}`
          const query = { q, ...(EDITIONS[country ?? 'US'] ?? EDITIONS.US) }
          const found = await http.send({ path: '/rss/search', query, field: 'news', company_id, ttl_days: 1 })
          yield readFeed(found.text)
            .filter(({ published }) => published === null || (published >= from && published <= as_of))
            .map((row) => ({ subject_id, ...row, in_title: names(row.title, phrase) }))
        }
      },
    },
  },
})
