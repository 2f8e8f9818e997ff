import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { icpSchema } from '../ingest/icp.ts'
import { matchSchema } from '../ingest/match/settings.ts'
import { automaticRules, bounceRules, languageRules, quoteRules } from '../outreach/replies/rules.ts'
import { sequenceFile } from '../outreach/sequence-file.ts'
import { engineSettings } from '../pipeline/config.ts'
import { propertiesSchema } from '../pipeline/properties.ts'
import { selectorsSchema } from '../pipeline/select/selectors-file.ts'
import { briefSchema, evidenceSchema } from '../scoring/brief-files.ts'
import { cardSchema } from '../scoring/define.ts'
import { qualificationSchema } from '../scoring/qualification-file.ts'
import { mappingFile } from '../sync/mapping.ts'
import { ROOMS } from './stages.ts'

/** One kind of YAML file: what editors are told of it comes from the objects that the program checks it with. */
const KINDS: Record<string, { title: string; schema: () => z.ZodType }> = {
  pipeline: {
    title: 'pipeline.yaml: the only configuration file',
    schema: () => z.strictObject({ ...engineSettings, ...Object.assign({}, ...ROOMS.map(({ sections }) => sections)) }),
  },
  properties: { title: 'Property file of models, seeds and sources (dbt, version 2)', schema: () => propertiesSchema },
  selectors: { title: 'selectors.yml: named selections', schema: () => selectorsSchema },
  icp: { title: 'Ideal customer profile', schema: () => icpSchema },
  matching: { title: 'Thresholds of matching', schema: () => matchSchema },
  score: { title: 'Scorecard', schema: () => cardSchema },
  qualification: { title: 'Qualification of leads', schema: () => qualificationSchema },
  brief: { title: 'Head of a template of deal briefs', schema: () => briefSchema },
  evidence: { title: 'Rows that a deal brief may rest on', schema: () => evidenceSchema },
  sequence: { title: 'Outreach sequence', schema: () => sequenceFile },
  reply_language: { title: 'What people answer, in one language', schema: () => languageRules },
  reply_automatic: { title: 'What machines answer', schema: () => automaticRules },
  reply_bounces: { title: 'Why mail did not arrive', schema: () => bounceRules },
  reply_quotes: { title: 'Where a quote or a signature begins', schema: () => quoteRules },
  mapping: { title: 'Mapping to a CRM', schema: () => mappingFile },
}

/** File name → text of the JSON Schema (draft 2020-12) of every kind. */
export function yamlSchemas(): Map<string, string> {
  const texts = Object.entries(KINDS).map(([name, { title, schema }]): [string, string] => {
    const { $schema, ...rest } = z.toJSONSchema(schema(), {
      io: 'input',
      unrepresentable: 'any',
      reused: 'ref',
      override: ({ jsonSchema }) => onlyWhatEditorsKnow(jsonSchema),
    })
    return [`${name}.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`]
  })
  return new Map(texts)
}

/** A fraction of a fraction is inexact, and zod has formats of its own: both would be marked wrong where they are right. */
function onlyWhatEditorsKnow(schema: { multipleOf?: number; format?: string }): void {
  if (schema.multipleOf !== undefined && schema.multipleOf < 1) delete schema.multipleOf
  if (schema.format !== undefined && !['date', 'date-time', 'email', 'uri'].includes(schema.format))
    delete schema.format
}

/** Writes them, and answers the files. */
export function writeSchemas(folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  return [...yamlSchemas()].map(([name, text]) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  })
}
