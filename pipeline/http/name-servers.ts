import type { Resolver } from 'node:dns/promises'
import { messageOf } from '../errors.ts'
import { Fault, type Network } from './network.ts'

/** Numbers of record types and outcomes, as DNS over HTTPS says them. */
const TYPES: Record<string, number> = { A: 1, MX: 15, TXT: 16, AAAA: 28 }
const OUTCOMES: Record<string, number> = {
  ENODATA: 0,
  EFORMERR: 1,
  ESERVFAIL: 2,
  ENOTFOUND: 3,
  EBADNAME: 3,
  EREFUSED: 5,
}

/** Name servers by their own protocol, answering like DNS over HTTPS. No answer at all is a Fault that bears its code. */
export function createNameServers(options: { servers?: readonly string[]; timeout_ms: number }): Network {
  let resolver: Promise<Resolver> | undefined
  return async (url) => {
    const { name, type } = Object.fromEntries(url.searchParams)
    resolver ??= makeResolver(options)
    const number = TYPES[type ?? '']
    if (name === undefined || number === undefined) return { status: 400, headers: {}, text: '' }
    const told = { Question: [{ name: `${name}.`, type: number }] }
    try {
      const found = await recordsOf(await resolver, name, type!)
      return json({ Status: 0, ...told, Answer: found.map((data) => ({ name: `${name}.`, type: number, data })) })
    } catch (error) {
      const { code = '' } = error as { code?: string }
      const outcome = OUTCOMES[code]
      if (outcome === undefined) throw new Fault(`does not answer (${code || messageOf(error)})`, false, error)
      return json({ Status: outcome, ...told })
    }
  }
}

/** One try within the time; whoever asks tries again. */
export async function makeResolver(options: { servers?: readonly string[]; timeout_ms: number }): Promise<Resolver> {
  const { Resolver } = await import('node:dns/promises')
  const resolver = new Resolver({ timeout: options.timeout_ms, tries: 1 })
  if (options.servers !== undefined) resolver.setServers(options.servers)
  return resolver
}

/** Their data as zone files write it; in order, since servers turn theirs round. */
async function recordsOf(resolver: Resolver, name: string, type: string): Promise<string[]> {
  if (type === 'A') return (await resolver.resolve4(name)).sort()
  if (type === 'AAAA') return (await resolver.resolve6(name)).sort()
  if (type === 'TXT') return (await resolver.resolveTxt(name)).map((parts) => parts.join('')).sort()
  const found = await resolver.resolveMx(name)
  return found
    .sort((a, b) => a.priority - b.priority || (a.exchange < b.exchange ? -1 : 1))
    .map(({ priority, exchange }) => `${priority} ${exchange}.`)
}

function json(body: object) {
  return { status: 200, headers: { 'content-type': 'application/dns-json' }, text: JSON.stringify(body) }
}
