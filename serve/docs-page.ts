interface Operation {
  summary?: string
  tags?: string[]
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: object }[]
  requestBody?: { content?: Record<string, { schema?: object }> }
  responses?: Record<string, { description?: string }>
}

/** The OpenAPI document as one page: no script, nothing fetched from elsewhere. */
export function docsPage({
  info,
  paths,
}: {
  info: { title: string; description?: string }
  paths: Record<string, Record<string, Operation>>
}): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? 'other'))]
  const sections = tags.map((tag) => {
    const own = operations.filter(({ operation }) => (operation.tags?.[0] ?? 'other') === tag)
    return `<section><h2>${escapeHtml(tag)}</h2>${own.map(oneOperation).join('')}</section>`
  })
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)}: API</title><link rel="stylesheet" href="/docs/style.css"></head><body><main>
<h1>${escapeHtml(info.title)}</h1><p>${escapeHtml(info.description ?? '')} <a href="/openapi.json">openapi.json</a></p>
${sections.join('\n')}</main></body></html>`
}

function oneOperation({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const rows = (operation.parameters ?? []).map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(place)}${required ? ', required' : ''}</td>
<td><code>${escapeHtml(JSON.stringify(schema ?? {}))}</code> ${escapeHtml(description ?? '')}</td></tr>`,
  )
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<p>${escapeHtml(type)}</p><pre>${escapeHtml(JSON.stringify(schema ?? {}, null, 2))}</pre>`,
  )
  const answers = Object.entries(operation.responses ?? {}).map(
    ([status, { description }]) => `<li><code>${escapeHtml(status)}</code> ${escapeHtml(description ?? '')}</li>`,
  )
  return `<details><summary><code>${method.toUpperCase()} ${escapeHtml(path)}</code> ${escapeHtml(operation.summary ?? '')}</summary>
${rows.length === 0 ? '' : `<table><tbody>${rows.join('')}</tbody></table>`}${bodies.join('')}<ul>${answers.join('')}</ul></details>`
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!)
}

export const docsStyle = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border-top: 1px solid #8884; padding: .5rem 0; } summary { cursor: pointer; }
pre { overflow: auto; background: #8881; padding: 1rem; } table { border-collapse: collapse; } td { padding: .2rem .6rem; vertical-align: top; }
button { font: inherit; padding: .6rem 1.2rem; }
`
