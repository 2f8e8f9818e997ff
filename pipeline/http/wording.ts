import { RemoteError, type RemoteReason } from '../errors.ts'
import type { Redactor } from '../redact.ts'
import type { Fault, Fetched } from './network.ts'
import type { Prepared } from './request.ts'

const SHOWN_OF_BODY = 2_000
const SHOWN_IN_MESSAGE = 300
const READ_OF_BODY = 64 * 1024

/** The errors of one service, in its own words, redacted. */
export function createWording(service: string, redact: Redactor) {
  const nameOf = ({ method, path }: Prepared) => redact(`${service}: ${method} ${path}`)

  /** Masked before it is cut: half a key is still a key. */
  function shown(text: string, length: number): string {
    const clean = redact(text.slice(0, READ_OF_BODY)).trim()
    return clean.length <= length ? clean : `${clean.slice(0, length)}…`
  }

  return {
    nameOf,
    /** The service answered, and not with what was asked for. */
    refused(
      asked: Prepared,
      { status, text }: Fetched,
      tries: number,
      wait_ms: number | undefined,
      reason: RemoteReason,
    ): RemoteError {
      const body = shown(text, SHOWN_OF_BODY)
      const message = `${nameOf(asked)} answered ${status}${afterTries(tries)}: ${shown(text, SHOWN_IN_MESSAGE)}`
      const retry_after_s = wait_ms === undefined ? undefined : Math.ceil(wait_ms / 1000)
      return new RemoteError(message, service, { status, body, retry_after_s, reason })
    },
    /** No whole answer came. */
    broken(asked: Prepared, fault: Fault, tries: number, paid: boolean): RemoteError {
      const caution = fault.sent && paid ? '; it may have been charged, so it is not repeated' : ''
      return new RemoteError(`${nameOf(asked)} ${redact(fault.message)}${afterTries(tries)}${caution}`, service, {
        reason: 'broken',
      })
    },
    /** Nothing was asked: the service has said that nothing is left until later. */
    tooLong(asked: Prepared, wait_ms: number): RemoteError {
      const retry_after_s = Math.ceil(wait_ms / 1000)
      const message = `${nameOf(asked)} was not asked: nothing is left of its rate limit for ${retry_after_s} s`
      return new RemoteError(message, service, { reason: 'rate', retry_after_s })
    },
    /** An answer that nobody can read. A cut-off one is data, and not shown; a page in place of data is. */
    notJson(asked: Prepared, { status, headers, text }: Fetched): RemoteError {
      const type = headers['content-type'] ?? 'no content type'
      const isData = /\bjson\b/i.test(type)
      const page = isData ? '' : `: ${shown(text, SHOWN_IN_MESSAGE)}`
      const message = `${nameOf(asked)} answered ${status} with ${text.length} characters of ${type} that are not JSON${page}`
      return new RemoteError(message, service, {
        status,
        body: isData ? undefined : shown(text, SHOWN_OF_BODY),
        reason: 'unreadable',
      })
    },
  }
}

function afterTries(tries: number): string {
  return tries === 1 ? '' : ` after ${tries} tries`
}

export type Wording = ReturnType<typeof createWording>
