import { join } from 'node:path'
import { z } from 'zod'
import { didYouMean } from '../pipeline/nearest.ts'
import type { Check, Room, RoomInput } from '../pipeline/room.ts'
import type { LedgerTable, Step } from '../pipeline/step.ts'
import type { YamlFile } from '../pipeline/yaml.ts'
import { ASKED } from './asked.ts'
import { catalogue, type Listed, resourceFor, resourcesOf, type SwitchedOn, switchedOn, tableOf } from './catalogue.ts'
import { changesStep, changesTablesOf } from './changes.ts'
import { companyMatches } from './company-matches.ts'
import { contactMatches } from './contact-matches.ts'
import { registrableDomains } from './domains.ts'
import { enrichmentStep, isFree, sourcesOf } from './enrichment.ts'
import { fieldLimits } from './field-limits.ts'
import { isField } from './fields.ts'
import { icpPlans } from './forecast.ts'
import { type Icp, icpSchema } from './icp.ts'
import { loadIcp } from './icp-load.ts'
import { icpSteps } from './icp-matches.ts'
import { ALIASES, identity } from './identity.ts'
import { limitsText } from './limits-text.ts'
import { loadMatchSettings, matchSchema } from './match/settings.ts'
import { movedPurchases } from './moved-purchases.ts'
import { purchasePlan } from './purchase-plan.ts'
import { purchaseSettings, waterfallEntry } from './purchase-rules.ts'
import { DECISIONS, type PurchaseInput, purchaseStep } from './purchases.ts'
import { discoverySteps } from './resources.ts'

/** Provider → its settings; each is checked against the provider's own schema. */
const providers = z.record(z.string(), z.record(z.string(), z.unknown()).nullable()).default({})

/** The sections of `pipeline.yaml` that are read here. */
export const settings = {
  discovery: z.strictObject({ icp: z.string().default('ingest/icp.yaml'), providers }),
  enrichment: z.strictObject({
    providers,
    /** Field → who is asked for it, until one knows. */
    waterfall: z.record(z.string(), waterfallEntry).default({}),
    ...purchaseSettings,
  }),
}

interface Settings {
  discovery: z.output<typeof settings.discovery>
  enrichment: z.output<typeof settings.enrichment>
}

/** Stands in for an ICP that cannot be used, so that its problems are not repeated by all that reads the steps. */
const NO_ICP: Icp = icpSchema.parse({ version: 1, profiles: {} })

/** Discovery and enrichment: who is listed where, who is who, who fits the ICP, what else is known of them. */
export const steps: Room<Settings> = async (input) => {
  const known = await catalogue()
  const icp = loadIcp(input.root, input.settings.discovery.icp, input.problems) ?? NO_ICP
  const listing = switchedOn('discovery', input.settings.discovery.providers, { ...input, known })
  const knowing = switchedOn('enrichment', input.settings.enrichment.providers, { ...input, known })
  const fields = waterfalls(input, known, knowing)
  const matching = loadMatchSettings(input.root, input.problems) ?? matchSchema.parse({})
  const made = [
    ...(await discover(input, listing, icp)),
    ...icpSteps(icp),
    registrableDomains,
    fieldLimits,
    companyMatches(matching),
    contactMatches(matching),
    identity,
  ]
  for (const [field, from] of fields) {
    if (!isField(field)) continue
    const free = from.filter((on) => sourcesOf(field, [on]).every(isFree))
    if (free.length > 0) made.push(enrichmentStep(field, free, icp, warningOf(free, listing)))
  }
  const purchases = purchasesOf(input, fields, icp)
  if (purchases !== undefined) made.push(purchaseStep(purchases))
  const tables = [ASKED, DECISIONS, ALIASES, ...[...known.values()].flatMap(tablesOf)]
  const checks = icp === undefined ? [] : checksOf([...new Map([...knowing, ...listing]).values()], icp)
  const plans = [
    ...icpPlans(icp, join(input.root, input.settings.discovery.icp), [...listing.values()]),
    ...(purchases === undefined ? [] : [purchasePlan(purchases)]),
  ]
  const diffs = [movedPurchases(purchases)]
  return { steps: made, tables: unrecorded(tables, made), checks, plans, diffs }
}

/** The fields that money could be spent on; undefined where everything is free. */
function purchasesOf(
  { settings, config }: RoomInput<Settings>,
  fields: readonly [string, SwitchedOn[]][],
  icp: Icp,
): PurchaseInput | undefined {
  const { waterfall, order, ...rules } = settings.enrichment
  const paid = fields.flatMap(([field, from]) => {
    if (!isField(field)) return []
    const sources = sourcesOf(field, from)
    const entry = waterfall[field]!
    const own = Array.isArray(entry) ? { order, agree: 1 } : { order: entry.order ?? order, agree: entry.agree }
    return sources.every(isFree) ? [] : [{ field, sources, ...own }]
  })
  if (paid.length === 0) return undefined
  return { rules: paid, settings: rules, icp, prices: pricesOf(config) }
}

/** `budget.providers.<name>.usd_per_credit`: the engine's section, which has been checked. */
function pricesOf({ data }: YamlFile): Map<string, number> {
  const { budget } = data as { budget?: { providers?: Record<string, { usd_per_credit?: number } | null> } | null }
  const prices = Object.entries(budget?.providers ?? {}).map(([name, own]) => [name, own?.usd_per_credit] as const)
  return new Map(prices.flatMap(([name, usd]) => (usd === undefined ? [] : [[name, usd] as const])))
}

/** Invented answers about companies that exist must not go unnoticed. */
function warningOf(from: readonly SwitchedOn[], listing: Map<string, SwitchedOn>): string | undefined {
  const invents = ({ provider, settings }: SwitchedOn) => provider.http?.(settings).transport !== undefined
  const invented = from.filter(invents).map(({ name }) => name)
  if (invented.length === 0 || [...listing.values()].every(invents)) return undefined
  return `WARNING: ${invented.join(', ')} invents this, also about real companies (take it out of enrichment)`
}

/** For `pipeline debug`: each provider that is switched on, asked what costs least. */
function checksOf(on: readonly SwitchedOn[], icp: Icp): Check[] {
  return on.map(({ name, provider, settings }) => ({
    name: `provider ${name}`,
    async run({ http, as_of, root }) {
      if (provider.bulk !== undefined) {
        const version = await provider.bulk.version(settings, root)
        return version === null ? 'fetched in a run' : `files found, state ${version.slice(0, 12)}`
      }
      const options = provider.http!(settings)
      const own = http({ service: name, ...options })
      const told = await provider.check?.({ settings, icp, http: own, as_of, subjects: [], fields: [] })
      const limits = limitsText(options)
      return [told ?? 'has no check of its own', ...(limits === '' ? [] : [`limits: ${limits}`])].join('; ')
    },
  }))
}

async function discover(input: RoomInput<Settings>, on: Map<string, SwitchedOn>, icp: Icp): Promise<Step[]> {
  const made: Step[] = []
  for (const [name, provider] of on) {
    const own = await discoverySteps(provider, icp, input)
    if (own.length === 0 && provider.provider.bulk === undefined) {
      input.problems.push({
        file: input.config.file,
        line: input.config.lineOf(['discovery', 'providers', name]),
        message: `${name} lists no companies: it only answers about those that are known`,
        hint: 'Move it to enrichment.providers.',
      })
    }
    made.push(...own)
    if (provider.provider.bulk !== undefined) made.push(changesStep(provider))
  }
  return made
}

function waterfalls(
  { settings, config, problems }: RoomInput<Settings>,
  known: Map<string, Listed>,
  on: Map<string, SwitchedOn>,
): [string, SwitchedOn[]][] {
  const { providers, waterfall } = settings.enrichment
  const fields = new Set([...known.values()].flatMap(fieldsOf))
  const wrong = (path: PropertyKey[], message: string, hint: string | undefined) =>
    problems.push({ file: config.file, line: config.lineOf(path), message, ...(hint === undefined ? {} : { hint }) })
  return Object.entries(waterfall).map(([field, entry]) => {
    const names = Array.isArray(entry) ? entry : entry.from
    const path = ['enrichment', 'waterfall', field, ...(Array.isArray(entry) ? [] : ['from'])]
    if (!fields.has(field)) wrong(path, `no provider can fill the field '${field}'`, didYouMean(field, fields))
    const from = names.flatMap((name, index) => {
      const provider = on.get(name)
      if (!(name in providers)) {
        const hint = didYouMean(name, Object.keys(providers)) ?? 'Switch it on below enrichment.providers.'
        wrong([...path, index], `provider '${name}' is not switched on`, hint)
      } else if (provider !== undefined && fields.has(field) && resourceFor(provider, field) === undefined) {
        const own = fieldsOf(provider)
        const hint = own.length === 0 ? 'It only lists companies.' : `It fills ${own.join(', ')}.`
        wrong([...path, index], `${name} cannot fill '${field}'`, hint)
      }
      return provider ?? []
    })
    return [field, from]
  })
}

function fieldsOf(listed: Listed): string[] {
  return resourcesOf(listed).flatMap(([, { fills }]) => Object.keys(fills ?? {}))
}

function tablesOf(listed: Listed): LedgerTable[] {
  return [...resourcesOf(listed).map(([name]) => tableOf(listed, name)), ...changesTablesOf(listed)]
}

/** Every provider's tables exist, also of those that are switched off. */
function unrecorded(tables: readonly LedgerTable[], made: readonly Step[]): LedgerTable[] {
  const name = ({ source, table }: LedgerTable) => `${source}.${table}`
  const recorded = new Set(made.flatMap((step) => step.records ?? []).map(name))
  return tables.filter((table) => !recorded.has(name(table)))
}
