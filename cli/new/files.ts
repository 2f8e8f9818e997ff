/** What a new plug-in is made of. */
export interface NewFiles {
  /** Text by path. `code`: in the repository, whose code runs; else in the project folder. */
  files: { path: string; text: string; code?: boolean }[]
  /** A commented line for pipeline.yaml, and the line after which it goes (the first that begins so). */
  config?: { after: RegExp; line: string }
  /** Relations are among them: the types of all relations are written anew. */
  relations?: boolean
  /** What to do next, a line each. */
  next: string[]
}

/** `trade_fair` → `Trade fair`. */
export function titleOf(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words[0]!.toUpperCase() + words.slice(1)
}
