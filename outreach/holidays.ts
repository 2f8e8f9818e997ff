import type { Holidays } from './opening-hours.ts'

/** Public and bank holidays of every country, and of its states where the state is known. Reads its data when first asked for. */
export async function publicHolidays(): Promise<Holidays> {
  const { default: Calendar } = await import('date-holidays')
  const places = new Map<string, InstanceType<typeof Calendar> | undefined>()
  const years = new Map<string, ReadonlySet<string>>()
  const placeOf = (country: string, state: string) => {
    const key = `${country} ${state}`
    if (!places.has(key)) {
      const all = new Calendar()
      const countries = all.getCountries() as Record<string, string>
      const states = (all.getStates(country) ?? {}) as Record<string, string>
      const own = Object.keys(states).find((one) => one.toUpperCase() === state)
      const made = country in countries ? new Calendar() : undefined
      if (own === undefined) made?.init(country)
      else made?.init(country, own)
      places.set(key, made)
    }
    return places.get(key)
  }
  return (country, state, day) => {
    if (country === null) return false
    const code = (state ?? '')
      .trim()
      .toUpperCase()
      .replace(/^[A-Z]{2}-/, '')
    const key = `${country} ${code} ${day.slice(0, 4)}`
    let free = years.get(key)
    if (free === undefined) {
      const found = placeOf(country, code)?.getHolidays(Number(day.slice(0, 4))) ?? []
      free = new Set(
        found
          .filter(({ type }) => type === 'public' || type === 'bank')
          .flatMap(({ date, start, end }) => {
            const days = Math.max(1, Math.round((end.getTime() - start.getTime()) / 86_400_000))
            return Array.from({ length: days }, (_, ahead) => {
              const first = Date.parse(`${date.slice(0, 10)}T00:00:00Z`)
              return new Date(first + ahead * 86_400_000).toISOString().slice(0, 10)
            })
          }),
      )
      years.set(key, free)
    }
    return free.has(day)
  }
}
