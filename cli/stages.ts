import type { z } from 'zod'
import * as ingest from '../ingest/run.ts'
import * as outreach from '../outreach/run.ts'
import type { RoomDoor } from '../pipeline/load.ts'
import type { Room } from '../pipeline/room.ts'
import * as scoring from '../scoring/run.ts'
import { settings as notify } from '../serve/notify/settings.ts'
import { settings as serve } from '../serve/settings.ts'
import * as sync from '../sync/run.ts'

/** The composition root: the only file that knows the rooms. */
export const ROOMS: readonly RoomDoor[] = [
  door(
    { discovery: ingest.settings.discovery, enrichment: ingest.settings.enrichment },
    ingest.steps,
    (settings) => settings,
  ),
  door({ scoring: scoring.settings }, scoring.steps, ({ scoring }) => scoring),
  door({ outreach: outreach.settings }, outreach.steps, ({ outreach }) => outreach),
  door({ sync: sync.settings }, sync.steps, ({ sync }) => sync),
  door(
    { serve },
    async () => ({ steps: [], tables: [] }),
    ({ serve }) => serve,
  ),
  door(
    { notify },
    async () => ({ steps: [], tables: [] }),
    ({ notify }) => notify,
  ),
]

/** A section that `pipeline.yaml` does not have switches its room off; the room's ledger tables exist all the same. */
function door<Settings>(
  sections: Record<string, z.ZodType>,
  room: Room<Settings>,
  settingsOf: (parsed: Record<string, unknown>) => unknown,
): RoomDoor {
  const names = Object.keys(sections)
  const optional = Object.entries(sections).map(([name, schema]) => [name, schema.optional()])
  return {
    sections: Object.fromEntries(optional) as Record<string, z.ZodType>,
    async load({ settings, problems, ...input }) {
      const written = input.config.data as Record<string, unknown>
      const present = names.some((name) => written[name] !== undefined)
      const parsed = Object.fromEntries(names.map((name) => [name, settings[name] ?? sections[name]!.parse({})]))
      const output = await room({
        ...input,
        problems: present ? problems : [],
        settings: settingsOf(parsed) as Settings,
      })
      if (present) return output
      return { ...output, steps: [], tables: [...output.tables, ...output.steps.flatMap((step) => step.records ?? [])] }
    },
  }
}
