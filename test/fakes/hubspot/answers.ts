import type { Answer } from '../server.ts'

/** One problem in a body of HubSpot's: `errors[]`. */
export interface Detail {
  message: string
  code: string
  context?: Record<string, string[]>
}

/** A request, or one row of it, that HubSpot does not take. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly category: string,
    message: string,
    readonly errors: Detail[] = [],
    readonly context?: Record<string, string[]>,
  ) {
    super(message)
  }
}

let correlations = 0

/** Never two alike, and the same from run to run. */
export function correlationId(): string {
  return `00000000-0000-4000-8000-${String(++correlations).padStart(12, '0')}`
}

export function refused({ status, category, message, errors, context }: Refusal): Answer {
  const details = errors.length === 0 ? {} : { errors }
  const where = context === undefined ? {} : { context }
  return { status, body: { status: 'error', message, correlationId: correlationId(), category, ...details, ...where } }
}

/** What a value is not. The body names the property twice, as HubSpot's does: in the message and in `context`. */
export function invalid(property: string, code: string, message: string): Refusal {
  const told = [{ isValid: false, message, error: code, name: property }]
  return new Refusal(400, 'VALIDATION_ERROR', `Property values were not valid: ${JSON.stringify(told)}`, [
    { message, code, context: { propertyName: [property] } },
  ])
}

export function notFound(what: string, ids: readonly string[]): Refusal {
  const message = `Could not get some ${what} objects, they may be deleted or not exist. Check that ids are valid.`
  return new Refusal(404, 'OBJECT_NOT_FOUND', message, [], { ids: [...ids] })
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'VALIDATION_ERROR', message)
}

export const UNAUTHENTICATED = new Refusal(
  401,
  'INVALID_AUTHENTICATION',
  'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
)

export const EXPIRED = new Refusal(
  401,
  'EXPIRED_AUTHENTICATION',
  'The OAuth token used to make this call expired 1 hour(s) ago.',
)

export function missingScopes(scopes: readonly string[]): Refusal {
  const message =
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes."
  const detail = {
    message: 'One or more of the following scopes are required.',
    code: 'MISSING_SCOPES',
    context: { requiredGranularScopes: [...scopes] },
  }
  return new Refusal(403, 'MISSING_SCOPES', message, [detail])
}

/** HubSpot's ways of saying "not now" that a fault plan may name. */
export const REFUSALS: Record<string, () => Answer> = {
  '423': () => ({ status: 423, body: { status: 'error', message: 'The record is locked', category: 'LOCKED' } }),
  '429': () => tooMany('TEN_SECONDLY_ROLLING', 'You have reached your ten_secondly_rolling limit.'),
  '429 secondly': () => tooMany('SECONDLY', 'You have reached your secondly limit.'),
  '429 daily': () => tooMany('DAILY', 'You have reached your daily limit.'),
  '477': () => ({
    status: 477,
    headers: { 'retry-after': '86400' },
    body: { status: 'error', message: 'The account is being migrated' },
  }),
}

export function tooMany(policyName: string, message: string): Answer {
  const body = { status: 'error', message, errorType: 'RATE_LIMIT', correlationId: correlationId(), policyName }
  return { status: 429, body: { ...body, requestId: correlationId() } }
}
