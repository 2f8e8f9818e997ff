import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

/** The process environment over the project's `.env` file. */
export function loadEnv(root: string, environment: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const file = join(root, '.env')
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  return { ...fromFile, ...environment }
}
