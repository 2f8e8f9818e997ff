import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { codeRoot } from '../../pipeline/code-root.ts'

/** The first errors of an artifact against one of dbt's schemas in `test/fixtures/dbt`; none when it is valid. */
export function errorsAgainst(schema: string, artifact: unknown): unknown {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats(ajv)
  const text = readFileSync(join(codeRoot(), 'test/fixtures/dbt', schema), 'utf8')
  const validate = ajv.compile(JSON.parse(text) as object)
  validate(JSON.parse(JSON.stringify(artifact)))
  return (validate.errors ?? []).slice(0, 5)
}
