const LONGEST = 500 * 1024

/** Whether `robots.txt` lets us look at pages of its host. */
export type Robots = (url: string) => boolean

/** What a `robots.txt` allows to who calls itself `agent` (RFC 9309). One that cannot be had allows nothing. */
export async function readRobots(url: string, status: number, text: string, agent: string): Promise<Robots> {
  if (status === 429 || status >= 500 || status === 0) return () => false
  if (status < 200 || status >= 300) return () => true
  // A bundle gives CommonJS modules only their default export.
  const { default: parse } = await import('robots-parser')
  const rules = parse(url, text.slice(0, LONGEST))
  return (page) => rules.isAllowed(page, agent) ?? true
}
