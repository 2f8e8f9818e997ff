/** How somebody says that they want no more. */
export interface Unsubscribe {
  /** A page that RFC 8058 clients post to, and that asks people with a button. */
  url?: string
  mailto?: string
}

const WORDS: Record<string, { link: string; mail: string }> = {
  en: { link: 'No more messages from us: ', mail: 'No more messages from us: write to ' },
  pt: {
    link: 'Não quer mais receber nossas mensagens? ',
    mail: 'Não quer mais receber nossas mensagens? Escreva para ',
  },
  es: {
    link: '¿No quiere recibir más mensajes nuestros? ',
    mail: '¿No quiere recibir más mensajes nuestros? Escriba a ',
  },
}

/** Below every message: who we are by post, and the way out; the headers of RFC 2369 and RFC 8058 with them. */
export function footerOf(
  { postal_address, unsubscribe = {} }: { postal_address?: string; unsubscribe?: Unsubscribe },
  { token, language }: { token: string; language: string },
): { text: string; html: string; headers: Record<string, string> } {
  const { url, mailto } = unsubscribe
  const link = url === undefined ? undefined : withToken(url, token)
  const write = mailto === undefined ? undefined : `mailto:${mailto}?subject=${token}`
  const words = WORDS[language] ?? WORDS.en!
  const out = link !== undefined ? words.link + link : mailto !== undefined ? words.mail + mailto : undefined
  const lines = [postal_address, out].filter((line) => line !== undefined)
  const htmlLines = [
    postal_address === undefined ? undefined : escapeHtml(postal_address),
    link !== undefined
      ? `${escapeHtml(words.link)}<a href="${escapeHtml(link)}">${escapeHtml(new URL(link).hostname)}</a>`
      : mailto !== undefined
        ? `${escapeHtml(words.mail)}<a href="${escapeHtml(write!)}">${escapeHtml(mailto)}</a>`
        : undefined,
  ].filter((line) => line !== undefined)
  const ways = [link, write].filter((way) => way !== undefined).map((way) => `<${way}>`)
  return {
    text: lines.length === 0 ? '' : `\n\n-- \n${lines.join('\n')}`,
    html: lines.length === 0 ? '' : `\n<p><small>${htmlLines.join('<br>\n')}</small></p>`,
    headers: {
      ...(ways.length === 0 ? {} : { 'List-Unsubscribe': ways.join(', ') }),
      ...(link === undefined ? {} : { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
    },
  }
}

function withToken(url: string, token: string): string {
  const target = new URL(url)
  target.searchParams.set('t', token)
  return target.href
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
