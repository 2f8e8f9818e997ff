import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PROGRAM_VERSION } from '../version.ts'

/** Writes an artifact whole or not at all. */
export function writeArtifact(target: string, name: string, content: unknown): void {
  const file = join(target, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.tmp`, typeof content === 'string' ? content : JSON.stringify(content))
  renameSync(`${file}.tmp`, file)
}

export interface Invocation {
  invocation_id: string
  /** Wall clock, ISO 8601 UTC. */
  generated_at: string
}

/** The head of every dbt artifact. */
export function artifactMetadata(schema: string, { invocation_id, generated_at }: Invocation) {
  return {
    dbt_schema_version: `https://schemas.getdbt.com/dbt/${schema}.json`,
    dbt_version: PROGRAM_VERSION,
    generated_at,
    invocation_id,
    invocation_started_at: generated_at,
    env: {},
  }
}
