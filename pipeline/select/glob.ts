const compiled = new Map<string, RegExp>()

/** Unix wildcards over a whole text, as dbt's: `*` any characters (dots and slashes too), `?` one, `[abc]`, `[a-z]`, `[!a]`. */
export function matches(pattern: string, text: string): boolean {
  return hasWildcard(pattern) ? regex(pattern, '.*', '.').test(text) : pattern === text
}

/** Wildcards over a path: `*` stays within a folder, `**` crosses folders. */
export function matchesPath(pattern: string, path: string): boolean {
  return hasWildcard(pattern) ? regex(pattern, '[^/]*', '[^/]').test(path) : pattern === path
}

export function hasWildcard(text: string): boolean {
  return /[*?[\]]/.test(text)
}

function regex(pattern: string, star: string, one: string): RegExp {
  const key = `${star} ${pattern}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!
    const close = character === '[' ? pattern.indexOf(']', at + 2) : -1
    if (pattern.startsWith('**/', at)) {
      source += star === '.*' ? '.*/' : '(?:.*/)?'
      at += 2
    } else if (pattern.startsWith('**', at)) {
      source += '.*'
      at += 1
    } else if (character === '*') source += star
    else if (character === '?') source += one
    else if (close > 0) {
      const set = pattern.slice(at + 1, close).replaceAll('\\', '\\\\')
      source += `[${set.startsWith('!') ? `^${set.slice(1)}` : set.replace(/^\^/, '\\^')}]`
      at = close
    } else source += character.replace(/[.+^${}()|[\]\\]/, '\\$&')
  }
  const made = new RegExp(`^${source}$`, 's')
  compiled.set(key, made)
  return made
}
