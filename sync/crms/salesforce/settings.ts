import { z } from 'zod'

/** What `pipeline.yaml` says below an instance of Salesforce. */
export const settings = z
  .strictObject({
    /** The My Domain address, which is also where its API answers: `https://acme.my.salesforce.com`. */
    login_url: z.url(),
    /** Consumer key of the External Client App (or connected app). */
    client_id: z.string().min(1),
    /** With it alone, the app signs in as the user that is set in it (client credentials). */
    client_secret: z.string().min(1).optional(),
    /** With both of these, the app signs in with its key as this user (JWT bearer). The key is a PEM; `\n` may stand for its lines. */
    username: z.string().min(1).optional(),
    private_key: z.string().includes('PRIVATE KEY').optional(),
    /** Whom the assertion is for; `login_url` unless said. Classic connected apps want https://login.salesforce.com. */
    audience: z.url().optional(),
    /** The org that is meant: credentials for another one write nothing. */
    org_id: z
      .string()
      .regex(/^00D([A-Za-z0-9]{12}|[A-Za-z0-9]{15})$/, 'must be the id of an org: 00D and 12 or 15 more characters'),
    api_version: z
      .string()
      .regex(/^\d{2,3}\.0$/, "must be a version such as '68.0'")
      .default('68.0'),
    /** More rows than that go through Bulk API 2.0. */
    bulk_above: z.int().min(1).default(2_000),
    /** The field of accounts with the CNPJ, where the org already has one. */
    cnpj_field: z.string().min(1).default('Lead_Engine_CNPJ__c'),
    /** Saves what a duplicate rule warns of. Leave it: such rows are for people to decide. */
    allow_duplicates: z.boolean().default(false),
    /** Nothing more is asked when this share of the org's API requests of 24 hours is used, by whomever. */
    api_share: z.number().gt(0).max(1).default(0.9),
    /** Seconds that an answer may take. */
    timeout_s: z.number().positive().default(60),
  })
  .refine(
    (own) => (own.client_secret === undefined) !== (own.username === undefined && own.private_key === undefined),
    {
      message: 'needs either client_secret, or username and private_key',
    },
  )
  .refine((own) => (own.username === undefined) === (own.private_key === undefined), {
    message: 'username and private_key belong together',
  })

export type Settings = z.output<typeof settings>

/** Ids with and without their last three characters mean the same org. */
export const shortId = (id: string): string => id.slice(0, 15)
