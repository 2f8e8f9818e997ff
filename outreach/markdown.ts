import MarkdownIt from 'markdown-it'

type Token = ReturnType<InstanceType<typeof MarkdownIt>['parse']>[number]

/** Raw HTML is text, only https: and mailto: are links, and nothing is loaded from anywhere. */
const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true })
markdown.disable(['image', 'table', 'html_block', 'html_inline'])
markdown.validateLink = (url) => /^(https:\/\/|mailto:)/i.test(url)

/** A fragment of HTML, small and without styles. */
export function toHtml(source: string): string {
  return markdown.render(source).trim()
}

/** The same for who reads text: a link stands as its words and its address. */
export function toText(source: string): string {
  let text = ''
  const lists: number[] = []
  for (const token of markdown.parse(source, {})) {
    if (token.type === 'ordered_list_open') lists.push(Number(token.attrGet('start') ?? 1))
    else if (token.type === 'bullet_list_open') lists.push(-1)
    else if (/_list_close$/.test(token.type)) {
      lists.pop()
      text += '\n'
    } else if (token.type === 'list_item_open') text += itemMark(lists)
    else if (token.type === 'inline') text += inlineText(token.children ?? [])
    else if (token.type === 'fence' || token.type === 'code_block') text += `${token.content}\n`
    else if (token.type === 'hr') text += '---\n\n'
    else if (/^(paragraph|heading)_close$/.test(token.type)) text += token.hidden ? '\n' : '\n\n'
  }
  return text.replaceAll(/\n{3,}/g, '\n\n').trim()
}

function itemMark(lists: number[]): string {
  const indent = '  '.repeat(Math.max(0, lists.length - 1))
  const next = lists.at(-1)!
  if (next < 0) return `${indent}- `
  lists[lists.length - 1] = next + 1
  return `${indent}${next}. `
}

function inlineText(tokens: readonly Token[]): string {
  let text = ''
  const links: { href: string; from: number }[] = []
  for (const token of tokens) {
    if (token.type === 'softbreak' || token.type === 'hardbreak') text += '\n'
    else if (token.type === 'link_open') links.push({ href: String(token.attrGet('href') ?? ''), from: text.length })
    else if (token.type === 'link_close') {
      const { href, from } = links.pop()!
      const bare = String(href).replace(/^mailto:/i, '')
      if (text.slice(from) !== bare) text += ` (${bare})`
    } else text += token.content
  }
  return text
}
