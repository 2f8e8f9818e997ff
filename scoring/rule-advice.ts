import type { Advice, AdviceWorld } from '../pipeline/check/advice.ts'
import type { Problem } from '../pipeline/errors.ts'
import { boundFacts } from './bound.ts'
import type { Rule } from './card.ts'
import type { Scoring } from './layers.ts'
import { neverTrue } from './never.ts'
import { SIGNALS } from './qualification.ts'

/** Fewer leads than these may agree by chance. */
const TOGETHER = 2

/** Rules that do nothing: those that cannot hold, and, by the last publication, those that never did or never alone. */
export function ruleAdvice(scoring: Scoring): Advice {
  return {
    name: 'rules',
    async tell(world) {
      const { warnings, never } = await impossible(scoring, world)
      const published = await asPublished(scoring, world, never)
      return [...warnings, ...published]
    },
  }
}

async function impossible({ cards, policy, ...rest }: Scoring, { shadow }: AdviceWorld) {
  const { types } = await boundFacts({ cards, policy, ...rest }, shadow)
  const rules = [...cards.flatMap((card) => card.rules), ...policy.disqualify]
  const signals = SIGNALS.map((signal) => policy.bant[signal].when)
  const expressions = [...rules.map(({ when }) => when), ...signals]
  const answers = await neverTrue(
    shadow,
    expressions.map(({ sql }) => sql),
    types,
  )
  const warnings = expressions.flatMap(({ sql, place, what }, index) => {
    if (!answers[index]) return []
    const hint = 'No lead can meet it: mend the condition, or take the rule out.'
    return [{ ...place, message: `${what}: \`${sql.trim()}\` can never be true`, hint }]
  })
  return { warnings, never: new Set(rules.filter((_, index) => answers[index]).map(({ name }) => name)) }
}

interface Fired {
  rule: string
  leads: number
  which: string
}

/** One look at the reasons: how many leads each rule scored, and a sum of hashes that tells which. */
async function asPublished(
  { cards, version }: Scoring,
  { published }: AdviceWorld,
  never: ReadonlySet<string>,
): Promise<Problem[]> {
  if (published === undefined) return []
  const rules = cards.flatMap((card) => card.rules)
  const [scored] = await published
    .rows<{ leads: number; version: string | null }>(
      'select count(*) as leads, any_value(score_version) as version from marts.fct_scored_leads',
    )
    .catch(() => [])
  if (scored === undefined || scored.leads === 0) return []
  if (scored.version !== version) {
    const message = `what was published was scored with other cards (${scored.version}): which rules never fire is not known`
    return [{ file: 'scoring', message, hint: 'pipeline run, then pipeline check.' }]
  }
  const rows = await published.rows<Fired>(
    'select rule, count(*) as leads, bit_xor(hash(lead_id))::varchar as which from marts.fct_score_reasons group by rule',
  )
  const fired = new Map(rows.map((row) => [row.rule, row]))
  const silent = rules
    .filter(({ name }) => !fired.has(name) && !never.has(name))
    .map(({ name, when }) => ({
      ...when.place,
      message: `${name} never fired on the ${scored.leads} leads that were published`,
      hint: 'Look whether its condition says what is meant, and whether what it reads is ever known.',
    }))
  return [...silent, ...alwaysTogether(rules, fired)]
}

function alwaysTogether(rules: readonly Rule[], fired: ReadonlyMap<string, Fired>): Problem[] {
  const groups = new Map<string, Rule[]>()
  for (const rule of rules) {
    const found = fired.get(rule.name)
    if (found === undefined || found.leads < TOGETHER) continue
    const key = `${found.leads} ${found.which}`
    groups.set(key, [...(groups.get(key) ?? []), rule])
  }
  return [...groups].flatMap(([key, group]) => {
    const leads = key.split(' ')[0]
    return group.slice(1).map(({ name, when }) => ({
      ...when.place,
      message: `${name} always fires together with ${group[0]!.name}: for the same ${leads} leads, for none alone`,
      hint: 'One of them says nothing more than the other: merge them, or tell them apart.',
    }))
  })
}
