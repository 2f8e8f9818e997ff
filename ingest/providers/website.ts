import { z } from 'zod'
import { cnpjsOf, defineProvider, ownCnpj, type TechnologyRule, technologiesOf, visit } from '../define.ts'
import rules from './website.json' with { type: 'json' }

const site = z.object({
  subject_id: z.string(),
  domain: z.string(),
  /** page; robots: its owner asks us not to look; unreachable; redirects: it leads nowhere. */
  outcome: z.string(),
  /** Where it led. */
  url: z.string(),
  status: z.int().nullable(),
  fault: z.string().nullable(),
  technologies: z.array(z.object({ technology: z.string(), category: z.string() })),
  /** All that are on the page; the one of its company, if all belong to one. */
  cnpjs: z.array(z.string()),
  cnpj: z.string().nullable(),
})

export default defineProvider({
  title: 'The company’s website',
  docs: 'https://www.rfc-editor.org/rfc/rfc9309',
  settings: z.strictObject({
    /** What we call ourselves, to servers and in robots.txt: `acme-bot/1.0 (+https://acme.example/bot)`. */
    agent: z
      .string()
      .regex(/^[A-Za-z][\w.-]*(\/[\w.-]+)?( \(.*\))?$/)
      .default('lead-engine'),
    /** How much of a page is read and kept. */
    kilobytes: z.int().min(10).max(5_000).default(500),
    timeout_s: z.number().positive().max(60).default(10),
    /** A server on this machine that answers for every host: for tests. */
    stand_in: z.url().optional(),
  }),
  http: ({ agent, kilobytes, timeout_s, stand_in }) => ({
    way: { to: 'any_host', max_bytes: kilobytes * 1000, stand_in },
    headers: { 'user-agent': agent, accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.1' },
    limits: { concurrency: 32, timeout_s, retries: 1 },
  }),
  async check({ http }) {
    await http.send({ path: 'https://example.com/' })
    return 'sites can be reached; free'
  },
  resources: {
    sites: {
      description: 'What the first page of the company’s domain says: technologies, and the CNPJ in its footer.',
      row: site,
      key: ['subject_id'],
      write: 'merge',
      needs: ['domain'],
      fills: {
        tech_stack: {
          hit: ({ technologies }) => Array.isArray(technologies) && technologies.length > 0,
          value: ({ technologies }) => JSON.stringify(technologies),
        },
        cnpj: { hit: ({ cnpj }) => cnpj !== null, value: ({ cnpj }) => String(cnpj), confidence: () => 0.9 },
      },
      async *pages({ http, settings, subjects }) {
        const name = settings.agent.replace(/[/ ].*$/, '')
        for (const { subject_id, company_id, domain, country } of subjects) {
          if (domain === null) continue
          const { text, headers, ...visited } = await visit(http, domain, name, { company_id })
          const cnpjs = country === null || country === 'BR' ? cnpjsOf(text) : []
          const technologies = technologiesOf({ text, headers }, rules as unknown as TechnologyRule[])
          yield [{ subject_id, domain, ...visited, technologies, cnpjs, cnpj: ownCnpj(cnpjs) }]
        }
      },
    },
  },
})
