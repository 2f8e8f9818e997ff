import { z } from 'zod'

/** What `pipeline.yaml` may say below `hubspot`. */
export const settings = z
  .strictObject({
    /** A Service Key (`pat-…`), or an app's static token. */
    token: z.string().min(1).optional(),
    /** In its place: an app of the developer platform. */
    oauth: z
      .strictObject({
        client_id: z.string().min(1),
        client_secret: z.string().min(1),
        refresh_token: z.string().min(1),
      })
      .optional(),
    /** Secret of the app whose events come to `/hooks/hubspot`. */
    webhook_secret: z.string().min(1).optional(),
    /** The account that is meant; a token for another one writes nothing. */
    portal_id: z.union([z.string().regex(/^\d+$/), z.int().positive()]).transform(String),
    base_url: z.url().default('https://api.hubapi.com'),
    /** Calls under way at once. */
    concurrency: z.int().min(1).max(10).default(5),
    /** Seconds after which a call counts as broken off. */
    timeout_s: z.number().positive().default(30),
  })
  .refine(({ token, oauth }) => (token === undefined) !== (oauth === undefined), {
    message: 'say either token or oauth',
    path: ['token'],
  })
export type Settings = z.output<typeof settings>
