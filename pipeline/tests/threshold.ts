/** dbt's `warn_if` and `error_if`: what is compared with the number of failures. */
export type Threshold = (failures: number) => boolean

const NUMBER = String.raw`(-?\d+(?:\.\d+)?)`
const COMPARISON = new RegExp(String.raw`^(=|==|!=|<>|<=|<|>=|>)\s*${NUMBER}$`)
const BETWEEN = new RegExp(String.raw`^(not\s+)?between\s+${NUMBER}\s+and\s+${NUMBER}$`, 'i')
const IN = new RegExp(String.raw`^(not\s+)?in\s*\(\s*${NUMBER}(?:\s*,\s*${NUMBER})*\s*\)$`, 'i')

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<>': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** `>10`, `!= 0`, `between 1 and 5`, `in (1, 2)`; undefined when it is none of these. */
export function parseThreshold(text: string): Threshold | undefined {
  const trimmed = text.trim()
  const compared = COMPARISON.exec(trimmed)
  if (compared !== null) return (failures) => COMPARE[compared[1]!]!(failures, Number(compared[2]))
  const range = BETWEEN.exec(trimmed)
  if (range !== null) {
    const [low, high] = [Number(range[2]), Number(range[3])]
    return (failures) => (failures >= low && failures <= high) === (range[1] === undefined)
  }
  const listed = IN.exec(trimmed)
  if (listed !== null) {
    const list = trimmed
      .slice(trimmed.indexOf('(') + 1, -1)
      .split(',')
      .map(Number)
    return (failures) => list.includes(failures) === (listed[1] === undefined)
  }
  return undefined
}

/** What a number of failures means, as dbt decides it: `error_if` first where the severity is error, then `warn_if`. */
export function verdict(
  failures: number,
  severity: 'warn' | 'error',
  { warn_if = '!= 0', error_if = '!= 0' }: { warn_if?: string; error_if?: string },
): 'pass' | 'warn' | 'fail' {
  if (severity === 'error' && parseThreshold(error_if)?.(failures)) return 'fail'
  return parseThreshold(warn_if)?.(failures) ? 'warn' : 'pass'
}
