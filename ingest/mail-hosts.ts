/** Products, by how the hosts that belong to them end. */
export type Products = Readonly<Record<string, string>>

/** The names of an answer's hosts, each once, in order. `acme.google.com.evil.example` is none of Google's. */
function named(hosts: readonly string[], known: Products): string[] {
  const found = hosts.flatMap((host) => {
    const bare = host.toLowerCase().replace(/\.$/, '')
    return Object.entries(known)
      .filter(([end]) => bare === end || bare.endsWith(`.${end}`))
      .map(([, name]) => name)
  })
  return [...new Set(found)].sort()
}

/** Hosts of MX records (`10 mx.acme.com.`), the preferred first. A lone `.` says that the domain takes no mail (RFC 7505). */
export function readMx(
  records: readonly string[],
  known: Products,
): { hosts: string[]; is_null: boolean; providers: string[] } {
  const parsed = records.flatMap((record) => {
    const [, preference, host] = /^\s*(\d+)\s+(\S+)\s*$/.exec(record) ?? []
    return host === undefined ? [] : [{ preference: Number(preference), host: host.toLowerCase() }]
  })
  const sorted = parsed.sort((a, b) => a.preference - b.preference || (a.host < b.host ? -1 : 1))
  const hosts = sorted.map(({ host }) => host.replace(/\.$/, '')).filter((host) => host !== '')
  return { hosts, is_null: parsed.length > 0 && hosts.length === 0, providers: named(hosts, known) }
}

/** The SPF record among TXT records, and who it lets send. Two of them are an error (RFC 7208), which lets nobody. */
export function readSpf(records: readonly string[], known: Products): { spf: string | null; senders: string[] } {
  const found = records.map(unquoted).filter((text) => /^v=spf1(\s|$)/i.test(text))
  if (found.length !== 1) return { spf: null, senders: [] }
  const [spf] = found
  const includes = [...spf!.matchAll(/\b(?:include:|redirect=)(\S+)/gi)].map(([, host]) => host!)
  return { spf: spf!, senders: named(includes, known) }
}

/** `"v=spf1 " "-all"` → `v=spf1 -all`: long texts come in pieces. */
function unquoted(text: string): string {
  return text.startsWith('"') ? text.replace(/^"|"$/g, '').replace(/"\s*"/g, '') : text
}
