import { z } from 'zod'
import { defineProvider, readMx, readSpf } from '../define.ts'
import products from './dns.json' with { type: 'json' }

const mail = z.object({
  subject_id: z.string(),
  domain: z.string(),
  /** How the question ended: OK, ENODATA, ENOTFOUND, ESERVFAIL, EREFUSED, or ETIMEOUT where nobody answered. */
  outcome: z.string(),
  /** Null where nobody can say: name servers that fail or are silent are no proof. */
  accepts_mail: z.boolean().nullable(),
  is_null_mx: z.boolean(),
  /** No MX, but an address: mail goes there (RFC 5321). */
  is_implicit_mx: z.boolean(),
  mx_hosts: z.array(z.string()),
  mail_providers: z.array(z.string()),
  spf: z.string().nullable(),
  senders: z.array(z.string()),
})

const message = z.looseObject({
  Status: z.int(),
  Answer: z.array(z.looseObject({ type: z.int(), data: z.string() })).nullish(),
})

const OUTCOMES: Record<number, string> = { 1: 'EFORMERR', 2: 'ESERVFAIL', 3: 'ENOTFOUND', 5: 'EREFUSED' }
const NUMBERS = { A: 1, MX: 15, TXT: 16, AAAA: 28 }

export default defineProvider({
  title: 'DNS',
  docs: 'https://www.rfc-editor.org/rfc/rfc5321#section-5.1',
  settings: z.strictObject({
    /** Name servers to ask, `1.1.1.1` or `127.0.0.1:5353`; those of this machine unless said. */
    servers: z.array(z.string().min(1)).min(1).optional(),
    /** Asks over HTTPS instead, as `https://dns.google` answers. */
    base_url: z.url().optional(),
    per_second: z.number().positive().max(10_000).default(50),
  }),
  http: ({ servers, base_url, per_second }) => ({
    ...(base_url === undefined ? { way: { to: 'name_servers' as const, servers } } : { base_url }),
    limits: { per_second, timeout_s: 5, retries: 2 },
    meaning({ status, data }) {
      const said = message.safeParse(data)
      if (said.success && status === 200) return said.data.Status === 2 ? 'later' : undefined
      return status === 200 ? 'later' : undefined
    },
  }),
  async check({ http }) {
    const { Status } = message.parse((await http.send({ path: '/resolve', query: { name: 'com', type: 'A' } })).json())
    return Status === 0 ? 'it answers; free' : `it answers, with ${OUTCOMES[Status] ?? Status}`
  },
  resources: {
    domains: {
      description: 'Whether the domain takes mail, who runs it, and who else sends in its name.',
      row: mail,
      key: ['subject_id'],
      write: 'merge',
      needs: ['domain'],
      fills: { mail: { hit: ({ accepts_mail }) => accepts_mail !== null } },
      async *pages({ http, subjects, settings }) {
        // Silence is the domain's where its own name servers were asked by ours, and the service's over HTTPS.
        const last_word = ({ status, data }: { status: number; data: unknown }) =>
          message.safeParse(data).success || (status === 0 && settings.base_url === undefined)
        for (const { subject_id, company_id, domain } of subjects) {
          if (domain === null) continue
          const ask = async (type: keyof typeof NUMBERS) => {
            const request = { path: '/resolve', query: { name: domain, type }, field: 'mail', company_id }
            const { status, json } = await http.send({ ...request, ttl_days: 1, last_word })
            const said = status === 200 ? message.safeParse(json()) : undefined
            if (!said?.success) return { outcome: 'ETIMEOUT', records: [] }
            const { Status, Answer } = said.data
            const records = (Answer ?? []).filter((one) => one.type === NUMBERS[type]).map(({ data }) => data)
            if (Status !== 0) return { outcome: OUTCOMES[Status] ?? `RCODE${Status}`, records: [] }
            return { outcome: records.length === 0 ? 'ENODATA' : 'OK', records }
          }
          const found = await ask('MX')
          const { hosts, is_null, providers } = readMx(found.records, products.mail_hosts)
          const places = found.outcome === 'ENODATA' ? [await ask('A')] : []
          if (places[0]?.outcome === 'ENODATA') places.push(await ask('AAAA'))
          const is_implicit_mx = places.some(({ outcome }) => outcome === 'OK')
          const outcome = places.find(({ outcome }) => !['OK', 'ENODATA'].includes(outcome))?.outcome ?? found.outcome
          const isKnown = ['OK', 'ENODATA', 'ENOTFOUND'].includes(outcome)
          const texts = ['OK', 'ENODATA'].includes(outcome) ? (await ask('TXT')).records : []
          const { spf, senders } = readSpf(texts, products.senders)
          yield [
            {
              ...{ subject_id, domain, outcome, is_null_mx: is_null, is_implicit_mx, mx_hosts: hosts },
              accepts_mail: isKnown ? hosts.length > 0 || is_implicit_mx : null,
              ...{ mail_providers: providers, spf, senders },
            },
          ]
        }
      },
    },
  },
})
