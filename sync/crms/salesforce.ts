import { type CrmContext, type CrmSession, defineCrm } from '../define.ts'
import { createBulk } from './salesforce/bulk.ts'
import { createClient } from './salesforce/client.ts'
import { createMetadata } from './salesforce/metadata.ts'
import { SHAPES, type Shape } from './salesforce/objects.ts'
import { createReader } from './salesforce/read.ts'
import { createWriter } from './salesforce/rows.ts'
import { type Settings, settings, shortId } from './salesforce/settings.ts'
import { query } from './salesforce/soql.ts'

/** Accounts, contacts or leads, opportunities with their contacts, tasks, and a note that is a task. */
export default defineCrm({
  title: 'Salesforce',
  docs: 'https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm',
  settings,
  objects: SHAPES,
  batch: 10_000,
  clock: 'wall',
  account: ({ org_id }) => shortId(org_id),
  connect,
})

function connect(context: CrmContext<Settings>): CrmSession {
  const client = createClient(context)
  const metadata = createMetadata(client)
  const reader = createReader(context, client, metadata)
  const writer = createWriter(context, client, metadata, reader)
  const bulk = createBulk(context, client, writer)
  const shapeOf = (object: string): Shape => SHAPES[object]!

  return {
    async identity() {
      const { org_id } = await client.who()
      for await (const [org] of query(client, 'SELECT Name, TimeZoneSidKey FROM Organization')) {
        const told = (name: string) => (org?.[name] as string | null | undefined) ?? null
        return { account: org_id, name: told('Name'), time_zone: told('TimeZoneSidKey') }
      }
      return { account: org_id, name: null, time_zone: null }
    },
    describe: (object) => metadata.shape(shapeOf(object)),
    create: (object, properties) => metadata.create(shapeOf(object), properties),
    owners: () => metadata.owners(),
    find: (object, wanted) => reader.find(shapeOf(object), wanted),
    read: (object, crm_ids) => reader.read(shapeOf(object), crm_ids),
    async *pull(object, since) {
      await bulk.settle(shapeOf(object))
      yield* reader.pull(shapeOf(object), since)
    },
    async upsert(object, rows) {
      if (rows.length === 0) return []
      await bulk.settle(shapeOf(object))
      const many = rows.length > context.settings.bulk_above
      return (many ? bulk : writer).upsert(shapeOf(object), rows)
    },
    link: (_from, _to, pairs) => writer.link(pairs),
    archive: (_object, crm_ids) => writer.archive(crm_ids),
    erase: (object, crm_ids) => writer.erase(shapeOf(object), crm_ids),
  }
}
