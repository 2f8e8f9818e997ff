/** What was really asked about one field of one subject: who, whether it could be believed, and what it cost. */
export type Logged = ReadonlyMap<string, { valid: boolean; cost: number }>

/** What is known of a provider where it was not asked. */
export type Expected = ReadonlyMap<string, { chance: number; cost: number }>

/**
 * What another order would have cost for one subject: logged answers are taken as they were; where nobody asked, what the
 * provider costs and knows on average is. Stops at the first answer that can be believed.
 */
export function costOfOrder(order: readonly string[], logged: Logged, expected: Expected): number {
  let cost = 0
  let reached = 1
  for (const provider of order) {
    const answer = logged.get(provider)
    const average = expected.get(provider)
    if (answer !== undefined) {
      cost += reached * answer.cost
      if (answer.valid) return cost
    } else if (average !== undefined) {
      cost += reached * average.cost
      reached *= 1 - average.chance
    }
  }
  return cost
}

/** Every order of a few. */
export function ordersOf(providers: readonly string[]): string[][] {
  if (providers.length <= 1) return [[...providers]]
  return providers.flatMap((first) =>
    ordersOf(providers.filter((each) => each !== first)).map((rest) => [first, ...rest]),
  )
}
