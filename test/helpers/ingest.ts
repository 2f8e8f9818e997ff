import { steps as ingestSteps, settings } from '../../ingest/run.ts'
import type { Problem } from '../../pipeline/errors.ts'
import type { RoomOutput } from '../../pipeline/room.ts'
import { parseYaml } from '../../pipeline/yaml.ts'

export const ROOT = new URL('../..', import.meta.url).pathname

/** The steps that the ingest room makes of a `pipeline.yaml`, with the problems it found. */
export async function ingest(text: string, root = ROOT): Promise<RoomOutput & { problems: Problem[] }> {
  const problems: Problem[] = []
  const config = parseYaml('pipeline.yaml', text, problems)!
  const data = config.data as Record<string, unknown>
  const output = await ingestSteps({
    root,
    config,
    problems,
    settings: {
      discovery: settings.discovery.parse(data.discovery ?? {}),
      enrichment: settings.enrichment.parse(data.enrichment ?? {}),
    },
  })
  return { ...output, problems }
}
