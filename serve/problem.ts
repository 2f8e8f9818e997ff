import { z } from '@hono/zod-openapi'

/** RFC 9457. `code` is a snake_case word that a program may branch on; nothing in it comes from data. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')

export type ProblemBody = z.output<typeof problemSchema>

const TITLES: Record<number, string> = {
  400: 'The request cannot be read',
  401: 'Who are you?',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Decided already',
  413: 'Too large',
  421: 'Not a host of this server',
  422: 'The request does not hold together',
  429: 'Too fast',
  500: 'A fault of ours',
  503: 'Not ready',
}

/** What a request is refused with. */
export class Refusal extends Error {
  override readonly name = 'Refusal'

  constructor(
    readonly status: number,
    readonly code: string,
    detail?: string,
    readonly more: { errors?: ProblemBody['errors']; retry_after_s?: number; context?: object } = {},
  ) {
    super(detail ?? code)
  }

  response(): Response {
    const { errors, retry_after_s, context } = this.more
    const body: ProblemBody = {
      type: 'about:blank',
      title: TITLES[this.status] ?? 'Refused',
      status: this.status,
      code: this.code,
      ...(this.message === this.code ? {} : { detail: this.message }),
      ...(errors === undefined ? {} : { errors }),
      ...context,
    }
    const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
    if (retry_after_s !== undefined) headers['retry-after'] = String(retry_after_s)
    if (this.status === 401) headers['www-authenticate'] = 'Bearer'
    return new Response(JSON.stringify(body), { status: this.status, headers })
  }
}
