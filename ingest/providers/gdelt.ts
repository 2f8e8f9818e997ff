import { z } from 'zod'
import { defineProvider, names, newsName } from '../define.ts'

const article = z.object({
  subject_id: z.string(),
  url: z.string(),
  title: z.string(),
  domain: z.string().nullish(),
  language: z.string().nullish(),
  sourcecountry: z.string().nullish(),
  socialimage: z.string().nullish(),
  url_mobile: z.string().nullish(),
  /** When GDELT's crawler saw it: the day it was published, or soon after. */
  seen_on: z.iso.date(),
  /** The headline names the company; else the text does. */
  in_title: z.boolean(),
})

const answer = z.looseObject({ articles: z.array(z.looseObject({ seendate: z.string().optional() })).optional() })

export default defineProvider({
  title: 'GDELT',
  docs: 'https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/',
  settings: z.strictObject({
    base_url: z.url().default('https://api.gdeltproject.org'),
    /** How far back, in days; it knows about the last three months. */
    days: z.int().min(1).max(90).default(90),
    /** Most articles of a company, the latest first. */
    most: z.int().min(1).max(250).default(25),
  }),
  http: ({ base_url }) => ({
    base_url,
    limits: { per_second: 0.2, concurrency: 1 },
    // Its errors are sentences, mostly with status 200.
    meaning({ status, text }) {
      if (/limit requests/i.test(text)) return 'rate'
      if (/(too|phrase is) (short|long|common)|specified/i.test(text.slice(0, 300)) && !text.startsWith('{'))
        return 'refused'
      return status === 200 && !/^\s*\{/.test(text) ? 'later' : undefined
    },
  }),
  async check({ http }) {
    const query = { query: '"GDELT Project"', mode: 'artlist', format: 'json', maxrecords: 1, timespan: '7d' }
    await http.send({ path: '/api/v2/doc/doc', query })
    return 'it answers; free, one request every 5 seconds'
  },
  resources: {
    articles: {
      description: 'Articles that name the company, as GDELT saw them. Free with citation.',
      row: article,
      key: ['subject_id', 'url'],
      write: 'merge',
      needs: ['name'],
      fills: { news: { confidence: ({ in_title }) => (in_title ? 0.9 : 0.5) } },
      async *pages({ http, settings, subjects, as_of }) {
        for (const { subject_id, company_id, name } of subjects) {
          const phrase = newsName(name)
          if (phrase === undefined || phrase.split(' ').every((word) => word.length < 4)) continue
          const query = {
            ...{ query: `"${phrase}"`, mode: 'artlist', format: 'json', sort: 'datedesc', maxrecords: settings.most },
            ...{
              startdatetime: `${before(as_of, settings.days)}000000`,
              enddatetime: `${as_of.replaceAll('-', '')}235959`,
            },
          }
          const found = await http.send({ path: '/api/v2/doc/doc', query, field: 'news', company_id, ttl_days: 1 })
          const { articles = [] } = answer.parse(found.json())
          yield articles.map(({ seendate, ...row }) => ({
            subject_id,
            ...row,
            seen_on: seendate?.replace(/^(\d{4})(\d\d)(\d\d)T.*$/, '$1-$2-$3') ?? as_of,
            in_title: typeof row.title === 'string' && names(row.title, phrase),
          }))
        }
      },
    },
  },
})

function before(as_of: string, days: number): string {
  return new Date(Date.parse(as_of) - days * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
}
