import { z } from 'zod'
import { CrmError, type Outcome, type Told } from '../../define.ts'

const context = z.record(z.string(), z.union([z.array(z.string()), z.string()])).nullish()

/** An error as HubSpot words it; every part of it may be missing. */
const failure = z.looseObject({
  message: z.string().nullish(),
  category: z.string().nullish(),
  correlationId: z.string().nullish(),
  policyName: z.string().nullish(),
  context,
  errors: z.array(z.looseObject({ message: z.string().nullish(), code: z.string().nullish(), context })).nullish(),
})
export type Failure = z.output<typeof failure>

export function failureOf(data: unknown): Failure {
  const parsed = failure.safeParse(data)
  return parsed.success ? parsed.data : {}
}

const record = z.looseObject({
  id: z.coerce.string(),
  properties: z.record(z.string(), z.string().nullable()).default({}),
  updatedAt: z.string().nullish(),
  archived: z.boolean().nullish(),
  archivedAt: z.string().nullish(),
  objectWriteTraceId: z.string().nullish(),
})
export type HubspotRecord = z.output<typeof record>

const next = z.looseObject({ next: z.looseObject({ after: z.coerce.string() }).nullish() }).nullish()

export const recordPage = z.looseObject({ results: z.array(record), paging: next })

/** Of `batch/…`: what was done and what was not, whichever of 200, 201 and 207 it comes with. */
export const batchAnswer = z.looseObject({
  results: z.array(record).default([]),
  errors: z.array(failure).nullish(),
})

export const linkAnswer = z.looseObject({
  results: z
    .array(z.looseObject({ fromObjectId: z.coerce.string().nullish(), toObjectId: z.coerce.string().nullish() }))
    .default([]),
  errors: z.array(failure).nullish(),
})

export const linksRead = z.looseObject({
  results: z.array(
    z.looseObject({
      from: z.looseObject({ id: z.coerce.string() }),
      to: z.array(z.looseObject({ toObjectId: z.coerce.string() })),
      paging: next,
    }),
  ),
})

/** What a shape of ours makes of an answer; CrmError where HubSpot has come to speak otherwise. */
export function readAs<T>(schema: z.ZodType<T>, data: unknown, what: string): T {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new CrmError(`the answer to ${what} cannot be read: ${path.join('.')}: ${message}`)
}

/** Failures of the moment, though told of a single row. */
const PASSING = new Set(['RATE_LIMITS', 'INTERNAL_ERROR', 'LOCKED', 'SERVICE_UNAVAILABLE', 'TIMEOUT'])

/** What HubSpot says no to a row with. */
export function rejection({ message, category, context: about, errors }: Failure): Outcome {
  const [first] = errors ?? []
  const told = toldIn(message ?? '')
  const words = message ?? first?.message ?? 'no reason was given'
  if (category && PASSING.has(category)) return { status: 'unknown', crm_id: null, message: words }
  if (category === 'OBJECT_NOT_FOUND') return { status: 'gone', crm_id: null, message: words }
  const property = textOf(first?.context?.propertyName) ?? told?.name ?? textOf(about?.propertyName)
  const code = first?.code ?? told?.error ?? category ?? null
  return { status: 'rejected', crm_id: null, code, property: property ?? null, message: words }
}

/** Some messages hold the code and the property as JSON: `Property values were not valid: [{…}]`. */
function toldIn(message: string): { error?: string; name?: string } | undefined {
  const start = message.indexOf('[{')
  if (start < 0) return undefined
  try {
    const shape = z.array(z.looseObject({ error: z.string().optional(), name: z.string().optional() }))
    const parsed = shape.safeParse(JSON.parse(message.slice(start, message.lastIndexOf(']') + 1)))
    return parsed.success ? parsed.data[0] : undefined
  } catch {
    return undefined
  }
}

export function textOf(value: string[] | string | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

export function listOf(value: string[] | string | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}

/** 403: the token may not do that. Names the scopes, as HubSpot does. */
export function forbidden(what: string, { data, text }: Pick<Told, 'data' | 'text'>): CrmError {
  const { errors, message } = failureOf(data)
  const scopes = (errors ?? []).flatMap(({ context: about }) => listOf(about?.requiredGranularScopes))
  if (scopes.length === 0) return new CrmError(`${what} is not allowed: ${message ?? text.slice(0, 300)}`)
  const wanted = [...new Set(scopes)].join(', ')
  return new CrmError(`${what} needs the scope ${wanted}. Add it to the Service Key (or the app) in HubSpot's settings`)
}
