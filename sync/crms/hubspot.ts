import { z } from 'zod'
import { type CrmContext, type CrmSession, defineCrm, type Identity } from '../define.ts'
import { createActivities } from './hubspot/activities.ts'
import { readAs } from './hubspot/answers.ts'
import { createClient } from './hubspot/client.ts'
import { hook } from './hubspot/hook.ts'
import { objectOf, objects } from './hubspot/objects.ts'
import { paths } from './hubspot/paths.ts'
import { createReader } from './hubspot/read.ts'
import { type Settings, settings } from './hubspot/settings.ts'
import { createShapes, done } from './hubspot/shape.ts'
import { checkScopes, createWriter } from './hubspot/write.ts'

const account = z.looseObject({ portalId: z.coerce.string(), timeZone: z.string(), accountType: z.string().nullish() })

export default defineCrm({
  title: 'HubSpot',
  docs: 'https://developers.hubspot.com/docs/api-reference/latest/overview',
  settings,
  objects,
  batch: 1_000,
  clock: 'wall',
  account: ({ portal_id }) => portal_id,
  connect,
  hook,
})

function connect(context: CrmContext<Settings>): CrmSession {
  const client = createClient(context)
  const shapes = createShapes(client)
  const reader = createReader(client, shapes)
  const writer = createWriter(client, shapes, reader)
  const activities = createActivities(client, reader, writer, context.now)
  const described = new Set<string>()
  let allowed: Promise<void> | undefined

  /** Once a session, before its first write: every scope that what was looked at needs. */
  async function permitted(object: string): Promise<void> {
    allowed ??= checkScopes(client, new Set([...described, object]))
    await allowed
  }

  return {
    async identity(): Promise<Identity> {
      const { portalId, timeZone, accountType } = readAs(
        account,
        done(await client.get(paths.account), paths.account),
        paths.account,
      )
      client.time_zone(timeZone)
      return { account: portalId, name: `HubSpot, ${accountType ?? 'account'}`, time_zone: timeZone }
    },
    async describe(object) {
      described.add(object)
      return shapes.describe(object)
    },
    create: async (object, properties) => shapes.create(object, properties),
    owners: () => shapes.owners(),
    find: (object, wanted) => reader.find(object, wanted),
    read: (object, crm_ids) => reader.read(object, crm_ids),
    pull: (object, since) => reader.pull(object, since),
    async upsert(object, rows) {
      if (rows.length === 0) return []
      await permitted(object)
      return objectOf(object).keyed ? writer.upsert(object, rows) : activities(object, rows)
    },
    link: async (from, to, pairs) => (pairs.length === 0 ? [] : writer.link(from, to, pairs)),
    archive: async (object, crm_ids) => writer.archive(object, crm_ids),
    erase: async (object, crm_ids) => writer.erase(object, crm_ids),
  }
}
