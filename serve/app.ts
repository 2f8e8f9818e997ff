import { builtApp } from './app-build.ts'
import { appFiles } from './app-files.ts'
import type { Api } from './context.ts'

/** What a browser is served under `/`, besides the API: built first if this content never was. */
export async function readApp(root: string): Promise<(api: Api) => void> {
  const built = await builtApp(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  })
  // Installed without development dependencies: there is the API, and its own page.
  if (built === undefined) return (api) => void api.get('/', (c) => c.redirect('/docs'))
  const find = appFiles(built)
  return (api) => {
    api.get('*', async (c, next) => find(c.req.path, c.req.header('accept-encoding') ?? '') ?? next())
  }
}
