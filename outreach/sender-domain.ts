import { createPublicKey } from 'node:crypto'
import { domainOf, senderOf } from './addresses.ts'
import type { Mailbox } from './mailbox.ts'
import { registrableDomain } from './registrable-domain.ts'

type Texts = (name: string) => Promise<string[]>

/**
 * What the records of a sender's domain say: SPF of the return path, the key that signs, the policy, and whether SPF or
 * DKIM stands for the very domain that people see (DMARC's alignment, relaxed). At least one of the two must.
 */
export async function judgeSender(mailbox: Mailbox, texts: Texts): Promise<{ problems: string[]; says: string[] }> {
  const from = domainOf(senderOf(mailbox.from)!.mailbox)
  const path = domainOf(mailbox.return_path ?? senderOf(mailbox.from)!.mailbox)
  const [spf, dkim, dmarc] = [
    await judgeSpf(path, texts),
    await judgeDkim(mailbox, texts),
    await judgeDmarc(from, texts),
  ]
  const problems = [spf, dkim, dmarc].flatMap(({ problem }) => problem ?? [])
  const says = [spf, dkim, dmarc].flatMap(({ say }) => say ?? [])
  const spfAligned = spf.problem === undefined && sameOrganization(path, from)
  // Who signs elsewhere is not known here: the mail server's word is taken for it.
  const dkimAligned =
    mailbox.dkim === undefined || (dkim.problem === undefined && sameOrganization(mailbox.dkim.domain, from))
  if (!spfAligned && !(mailbox.dkim !== undefined && dkimAligned))
    problems.push(
      `neither SPF (${path}) nor DKIM (${mailbox.dkim?.domain ?? 'not ours'}) stands for ${from}: DMARC fails`,
    )
  else
    says.push(
      `aligned by ${[spfAligned ? 'SPF' : '', mailbox.dkim !== undefined && dkimAligned ? 'DKIM' : ''].filter(Boolean).join(' and ')}`,
    )
  return { problems, says }
}

interface Judged {
  problem?: string
  say?: string
}

async function judgeSpf(domain: string, texts: Texts): Promise<Judged> {
  const found = (await texts(domain)).filter((text) => /^v=spf1(\s|$)/i.test(text))
  if (found.length === 0) return { problem: `${domain} has no SPF record: add TXT "v=spf1 include:… -all"` }
  if (found.length > 1) return { problem: `${domain} has ${found.length} SPF records: one is allowed (RFC 7208)` }
  if (/\s\+?all\s*$/i.test(found[0]!)) return { problem: `SPF of ${domain} lets everybody send (+all)` }
  return { say: `SPF ${domain}` }
}

async function judgeDkim({ dkim }: Mailbox, texts: Texts): Promise<Judged> {
  if (dkim === undefined) return { say: 'DKIM by the mail server' }
  const name = `${dkim.selector}._domainkey.${dkim.domain}`
  const record = (await texts(name)).find((text) => /(^|;)\s*p=/i.test(text))
  if (record === undefined) return { problem: `there is no key at ${name}: add TXT "v=DKIM1; k=rsa; p=…"` }
  const published = /(?:^|;)\s*p=([^;]*)/i.exec(record)![1]!.replaceAll(/\s/g, '')
  if (published === '') return { problem: `the key at ${name} is revoked (p= is empty)` }
  return published === publicKey(dkim.private_key)
    ? { say: `DKIM ${name}` }
    : { problem: `the key at ${name} is not the one we sign with` }
}

/** As a record has it; undefined, so that it equals none, for what is no key. */
function publicKey(private_key: string): string | undefined {
  try {
    const key = createPublicKey(private_key)
    if (key.asymmetricKeyType === 'ed25519')
      return key.export({ format: 'jwk' }).x?.replaceAll('-', '+').replaceAll('_', '/').concat('=')
    return key.export({ type: 'spki', format: 'der' }).toString('base64')
  } catch {
    return undefined
  }
}

async function judgeDmarc(from: string, texts: Texts): Promise<Judged> {
  for (const domain of new Set([from, registrableDomain(from)])) {
    const found = (await texts(`_dmarc.${domain}`)).filter((text) => /^v=DMARC1\s*;/i.test(text))
    if (found.length > 1) return { problem: `_dmarc.${domain} has ${found.length} DMARC records: then none counts` }
    const policy = /;\s*p=(none|quarantine|reject)\b/i.exec(found[0] ?? '')?.[1]
    if (found.length === 1)
      return policy === undefined
        ? { problem: `DMARC of ${domain} has no policy` }
        : { say: `DMARC ${domain} p=${policy.toLowerCase()}` }
  }
  return { problem: `${from} has no DMARC record: add TXT _dmarc.${from} "v=DMARC1; p=none; rua=mailto:…"` }
}

function sameOrganization(a: string, b: string): boolean {
  return registrableDomain(a) === registrableDomain(b)
}
