/** Takes secrets and personal data out of a text that is about to be shown or stored. */
export type Redactor = (text: string) => string

const HIDDEN = '[redacted]'
/** Shorter values would take ordinary words out of every message. */
const SHORTEST_SECRET = 4

const SECRET_NAME =
  'api[-_]?key|apikey|key|token|access[-_]?token|refresh[-_]?token|auth|secret|client[-_]?secret|pass|password|passwd|sig|signature|assertion'
const secretName = new RegExp(
  `^(?:x-)?(?:${SECRET_NAME}|authorization|proxy-authorization|cookie|set-cookie)$|[-_](?:key|token|secret|password)$`,
  'i',
)

const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\bpat-[a-z]{2,3}\d-[0-9a-f-]{36}/g, HIDDEN],
  [/\b00D\w{12,15}![\w.]+/g, HIDDEN],
  [/\bSG\.[\w-]+\.[\w-]+/g, HIDDEN],
  [/\bkey-[0-9a-f]{32}/g, HIDDEN],
  [/\bxox[abprs]-[\w-]+/g, HIDDEN],
  [/\bre_(?=\w*\d)\w{8,}/g, HIDDEN],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, HIDDEN],
  [/\b(Bearer|Basic)\s+[^\s"',]+/g, `$1 ${HIDDEN}`],
  [/\b([a-z][a-z0-9+.-]{1,15}:\/\/)[^\s/:@]{1,200}:[^\s/@]{1,200}@/gi, `$1${HIDDEN}@`],
  [new RegExp(`([?&](?:${SECRET_NAME})=)[^&\\s"'#]+`, 'gi'), `$1${HIDDEN}`],
  [new RegExp(`("(?:${SECRET_NAME})"\\s*:\\s*")[^"]+`, 'gi'), `$1${HIDDEN}`],
  [/([\p{L}\p{N}])[\p{L}\p{N}._%+-]{0,63}(@|%40)([\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8})/gu, '$1***$2$3'],
  [/\b\d{3}\.\d{3}\.\d{3}-\d{2}\b/g, '***.***.***-**'],
]

/** Whether a header, query parameter or body field of this name carries a credential. */
export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

/** Hides the literal values of loaded secrets, also as they look in a URL or in JSON; nothing else. */
export function literalRedactor(secrets: Iterable<string>): Redactor {
  return (text) => {
    let result = text
    for (const form of formsOf(secrets)) result = result.replaceAll(form, HIDDEN)
    return result
  }
}

/**
 * The redactor in front of every sink: the values of `secrets` (read at each call, so that a set may still grow) and
 * what looks like a key, token, password, private key, e-mail address (`a***@example.com`) or CPF.
 */
export function redactor(secrets: Iterable<string> = []): Redactor {
  const literal = literalRedactor(secrets)
  return (text) => patterns.reduce((result, [pattern, shown]) => result.replace(pattern, shown), literal(text))
}

function formsOf(secrets: Iterable<string>): string[] {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) forms.add(form)
  }
  return [...forms].sort((a, b) => b.length - a.length)
}
