import { z } from 'zod'

export const ROLES = ['rep', 'manager', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]

const environment = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable')

/** `serve:` of `pipeline.yaml`. Secrets are named here and read from the environment. */
export const settings = z.strictObject({
  /** Beyond loopback only with `users`. */
  host: z.string().default('127.0.0.1'),
  /** 0: whichever is free. */
  port: z.int().min(0).max(65_535).default(8420),
  /** As others reach it: webhooks are signed with it, and its host is answered to. */
  public_url: z.url().optional(),
  users: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9._@+-]{1,100}$/, 'must be letters, digits or ._@+-'),
        role: z.enum(ROLES),
        /** Variable with the bearer token, or `sha256:` and its hash in hex. Absent: only a trusted proxy names this user. */
        token_env: environment.optional(),
        /** As leads name their owner; absent: the name. */
        owner: z.string().optional(),
        /** A rep sees their own leads unless this says `all`. */
        sees: z.enum(['own', 'all']).optional(),
      }),
    )
    .default([]),
  /** A proxy that has checked who it is: the header holds a user's name, and counts only from these addresses. */
  trusted_proxy: z
    .strictObject({ header: z.string().min(1), from: z.array(z.string()).default(['127.0.0.1', '::1']) })
    .optional(),
  /** Largest body, in bytes. */
  max_body: z.int().positive().default(1_000_000),
  /** Requests a minute of one user; of one address, a tenth. */
  requests_per_minute: z.int().positive().default(60_000),
  /** `serve --work`: how long it rests between one round of replies, what is due and who is to be told, and the next. */
  work: z.strictObject({ every_s: z.number().positive().default(60) }).prefault({}),
  hooks: z
    .strictObject({
      /** Variable with the secret of the mail service's webhooks (`whsec_…`). */
      email_secret_env: environment.optional(),
    })
    .default({}),
})

export type ServeSettings = z.output<typeof settings>
