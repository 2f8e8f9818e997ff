import { ApiProblem, type Row } from './api.ts'

/** What a site without a server knows: `pipeline.json`, as `pipeline docs generate` writes it. */
interface WrittenOut {
  nodes: (Row & { id: string; name: string })[]
  details: Record<string, Row>
  /** Node and column → the columns it is made from, each as node and column with a tab between. */
  lineage: Record<string, string[]>
}

let reading: Promise<WrittenOut> | undefined

export async function answerOf(path: string): Promise<unknown> {
  reading ??= fetch('pipeline.json').then((answer) => answer.json() as Promise<WrittenOut>)
  const { nodes, details, lineage } = await reading
  const asked = new URL(path, 'http://site.invalid')
  const id = asked.searchParams.get('id') ?? ''
  if (asked.pathname === '/v1/pipeline') return { nodes, tests: [], counts: [], runs: [], run_id: '' }
  if (asked.pathname === '/v1/pipeline/node' && details[id] !== undefined) return details[id]
  if (asked.pathname === '/v1/pipeline/lineage') {
    const names = new Map(nodes.map((node) => [node.id, node.name]))
    const key = `${id}\t${asked.searchParams.get('column')}`
    const feeds: Record<string, string[]> = {}
    for (const [made, from] of Object.entries(lineage))
      for (const each of from) feeds[each] = [...(feeds[each] ?? []), made]
    return { from: walk(key, lineage, names), to: walk(key, feeds, names) }
  }
  throw new ApiProblem(404, 'no_such_page', '')
}

function walk(key: string, next: Record<string, string[]>, names: ReadonlyMap<string, string>) {
  const seen = new Map([[key, 0]])
  for (const [at, steps] of seen) for (const other of next[at] ?? []) if (!seen.has(other)) seen.set(other, steps + 1)
  return [...seen]
    .filter(([, steps]) => steps > 0)
    .sort(([, a], [, b]) => a - b)
    .map(([at, steps]) => {
      const [id = '', column = ''] = at.split('\t')
      return { id, name: names.get(id) ?? id, column, steps }
    })
}
