import type { Api } from './context.ts'

/** What a browser is served under `/`, besides the API. */
export function serveApp(api: Api): void {
  api.get('/', (c) => c.redirect('/docs'))
}
