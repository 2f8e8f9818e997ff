import type { HttpOptions } from '../pipeline/http.ts'

/** What a provider says its vendor allows, in one line: `20/s, 600/min, 8 at once, limits told by the vendor; search: 5/s`. */
export function limitsText({ limits = {}, buckets = {} }: Pick<HttpOptions, 'limits' | 'buckets'>): string {
  const own = wordsOf(limits)
  const others = Object.entries(buckets).map(([name, each]) => `${name}: ${wordsOf(each).join(', ')}`)
  return [...(own.length === 0 ? [] : [own.join(', ')]), ...others].join('; ')
}

function wordsOf({ per_second, per_minute, concurrency, windows }: NonNullable<HttpOptions['limits']>): string[] {
  return [
    ...(per_second === undefined ? [] : [per_second < 1 ? `one in ${1 / per_second} s` : `${per_second}/s`]),
    ...(per_minute === undefined ? [] : [`${per_minute}/min`]),
    ...(concurrency === undefined ? [] : [`${concurrency} at once`]),
    ...(windows === undefined ? [] : ['limits told by the vendor']),
  ]
}
