import { useCallback, useEffect, useState } from 'preact/hooks'

export type Row = Record<string, unknown>

/** What the server refused, or that it did not answer. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail)
  }
}

const TOKEN = 'lead-engine-token'

export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN, token)
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const token = sessionStorage.getItem(TOKEN)
  const headers = { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) }
  let answer: Response
  try {
    answer = await fetch(path, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } })
  } catch {
    throw new ApiProblem(0, 'no_answer', '')
  }
  const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>
  if (!answer.ok)
    throw new ApiProblem(answer.status, String(body.code ?? answer.status), String(body.detail ?? body.title ?? ''))
  return body as T
}

export function get<T>(path: string): Promise<T> {
  if (document.documentElement.dataset.static === undefined) return ask<T>(path, {})
  return import('./written-out.ts').then(({ answerOf }) => answerOf(path) as Promise<T>)
}

/** One act, under a key of its own: a request that is sent twice on the way is done once. */
export function post<T = unknown>(path: string, body: unknown): Promise<T> {
  return ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
    body: JSON.stringify(body),
  })
}

export interface Asked<T> {
  data: T | undefined
  problem: ApiProblem | undefined
  reload(): void
}

/** What `path` answers, asked again when the path changes or `reload` is called; the last answer stays until the next. */
export function useApi<T>(path: string): Asked<T> {
  const [state, setState] = useState<{ data?: T; problem?: ApiProblem }>({})
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let current = true
    get<T>(path).then(
      (data) => current && setState({ data }),
      (problem: ApiProblem) => current && setState({ problem }),
    )
    return () => {
      current = false
    }
  }, [path, turn])
  const reload = useCallback(() => setTurn((before) => before + 1), [])
  return { data: state.data, problem: state.problem, reload }
}

/** What went wrong with an act, in words. */
export function saidOf(error: unknown): string {
  return error instanceof ApiProblem ? error.message || error.code : String(error)
}

export function query(values: Record<string, string | undefined>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}
