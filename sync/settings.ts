import { z } from 'zod'

export const settings = z
  .strictObject({
    /** CRM → its settings; each is checked against the CRM's own schema. An instance of another name says `crm: <which>`. */
    crms: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
    /** What a sync may touch without somebody saying yes (`pipeline sync apply --yes`, or a plan file). */
    guard: z
      .strictObject({
        /** Of the records that we have there: those that are updated or archived. Below 100 records nobody is asked. */
        share: z.number().min(0).max(1).default(0.5),
        /** Records that are made. */
        creates: z.number().int().min(0).default(20_000),
      })
      .prefault({}),
    /** Whose a lead becomes, by the e-mail address that people have in the CRM. Who owns the company there goes before it. */
    owners: z
      .strictObject({
        /** In this order: the first whose condition holds, over the columns of dim_companies. */
        territories: z.array(z.strictObject({ where: z.string().min(1), owner: z.email() })).default([]),
        /** Everybody else's, turn by turn. */
        rotate: z.array(z.email()).default([]),
      })
      .prefault({}),
  })
  .prefault({})

export type Settings = z.output<typeof settings>
