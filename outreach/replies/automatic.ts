import type { Mail } from './read-mail.ts'
import type { Rules } from './rules.ts'

/** Whether nobody typed this: by its headers (RFC 3834 and what mail programs add), its subject, its words. */
export function isAutomatic(mail: Mail | undefined, words: string, rules: Rules): boolean {
  if (mail !== undefined) {
    if (saysSo(mail)) return true
    if (rules.automatic.subjects.some((pattern) => pattern.test(mail.subject)) && !isAnswerTo(mail.subject)) return true
  }
  const line = words.slice(0, 4_000).replaceAll('’', "'").replaceAll(/\s+/g, ' ').toLowerCase()
  return rules.automatic.bodies.some((pattern) => pattern.test(line))
}

/** `Re: Out of office` is a person's answer to one. */
function isAnswerTo(subject: string): boolean {
  return /^\s*(re|res|aw|sv|fwd?|enc|rv|tr|wg)\s*:/i.test(subject)
}

function saysSo({ headers }: Mail): boolean {
  const value = (name: string) => headers.get(name)?.join(' ').trim().toLowerCase() ?? ''
  const submitted = value('auto-submitted')
  if (submitted !== '' && !/^no\b/.test(submitted)) return true
  if (
    ['x-autoreply', 'x-autorespond', 'x-autoresponder', 'x-auto-reply'].some(
      (name) => headers.has(name) && !/^no\b/.test(value(name)),
    )
  )
    return true
  if (headers.has('x-auto-response-suppress') || /^(auto_reply|bulk|junk)\b/.test(value('precedence'))) return true
  return headers.get('return-path')?.some((path) => /^<\s*>$/.test(path)) === true
}
