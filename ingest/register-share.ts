import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { BulkSet } from '../pipeline/bulk/delimited.ts'
import { type BulkShare, landShare } from '../pipeline/bulk/fetch-set.ts'
import { folderVersion } from '../pipeline/bulk/folder.ts'
import { landBulk } from '../pipeline/bulk/land.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'

/** Where the months are fetched from: `share:` of the provider. Address, token and root have changed before. */
export const shareSettings = z.strictObject({
  /** `https://…/public.php/webdav`, or the address of a page of links. */
  base_url: z.string(),
  /** The name of a public share, `${RFB_TOKEN}`: the user of Basic authentication, without password. */
  token: z.string().optional(),
  /** Folder of the months below it. */
  root: z.string().default(''),
  listing: z.enum(['webdav', 'html']).default('webdav'),
  /** Streams at once, while the host keeps up. */
  streams: z.int().min(1).max(16).default(4),
  /** Seconds without a byte that are a stall. */
  stall_s: z.number().positive().default(60),
  /** Seconds between two listings that must be equal before a month is fetched. */
  settle_s: z.number().nonnegative().default(30),
  /** First pause after a failure, in seconds; doubles up to two minutes. */
  pause_s: z.number().positive().default(1),
})

export const registerSource = {
  path: z.string().default('data/receita'),
  share: shareSettings.optional(),
  /** `2026-08`: this month and no other. Absent: the newest that is complete. */
  month: z
    .string()
    .regex(/^\d{4}-\d{2}$/, 'must be a month as 2026-08')
    .optional(),
  /** Fetched zips stay when they have landed, so that another ICP needs no download. A folder of yours is never touched. */
  keep_zips: z.boolean().default(false),
  /** A month lands once as it is, every row, as Parquet by state: another ICP is served from there, without the zips. */
  land_whole: z.boolean().default(false),
}

type Source = z.output<z.ZodObject<typeof registerSource>>

/** Tells whether the files of a folder are others; of a share only asking tells. */
export function sourceVersion({ path, share }: Source, root: string): Promise<string | null> {
  return share === undefined ? folderVersion(root, path) : Promise.resolve(null)
}

/** Lands from the folder, or from the share through it. `expects`: zips without which a month is not complete. */
export function landSource(
  context: StepContext & { settings: Source },
  set: Omit<BulkSet, 'path'>,
  expects: readonly string[],
): Promise<StepSummary> {
  const { path, share, month, keep_zips, land_whole: whole } = context.settings
  if (share === undefined) return landBulk(context, { ...set, path, month, whole })
  mkdirSync(resolve(context.paths.root, path), { recursive: true })
  const { base_url, token, root, listing, streams, stall_s, settle_s, pause_s } = share
  const authorization = token === undefined ? undefined : `Basic ${Buffer.from(`${token}:`).toString('base64')}`
  const from: BulkShare = {
    service: set.source,
    base_url,
    headers: authorization === undefined ? {} : { authorization },
    limits: { streams, stall_s, first_pause_s: pause_s },
    listing,
    root,
    expects,
    keep_zips,
    settle_s,
  }
  return landShare(context, { ...set, path, month, whole }, from)
}
