import { basename, dirname } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { findings, literalText, parseTs, projectFiles, type TsFile, textOf } from '../helpers/source-tree.ts'

// The rules of the house, executable. A rule that stands in someone's way is changed here and in docs/decisions/,
// in the same commit and on purpose; it is never worked around.

const ROOMS = ['ingest', 'scoring', 'outreach', 'sync']
const PLUG_INS = ['ingest/providers', 'sync/crms', 'outreach/channels']
const PRODUCT = ['pipeline', ...ROOMS, 'serve', 'cli']

const files = projectFiles()
const tsFiles = files.filter((path) => /\.(m?ts|tsx)$/.test(path)).map(parseTs)
const product = tsFiles.filter(({ path }) => PRODUCT.includes(topOf(path)) && !path.startsWith('pipeline/generated/'))
const inRooms = product.filter(({ path }) => ROOMS.includes(topOf(path)))
const plugIns = product.filter(({ path }) => isPlugIn(path))
const shared = product.filter(({ path }) => !isPlugIn(path) && !isPart(path))

function topOf(path: string): string {
  return path.split('/')[0]!
}

function isPlugIn(path: string): boolean {
  return PLUG_INS.includes(dirname(path)) && path.endsWith('.ts')
}

/** A file in the folder that bears a plug-in's name: `sync/crms/<name>/…`. */
function isPart(path: string): boolean {
  return PLUG_INS.includes(dirname(dirname(path))) && path.endsWith('.ts')
}

function importers(wanted: (to: string) => boolean): string[] {
  return product.filter(({ imports }) => imports.some(({ to }) => wanted(to))).map(({ path }) => path)
}

function forbidden(among: readonly TsFile[], wanted: (file: TsFile, to: string) => boolean): string[] {
  return among.flatMap((file) =>
    file.imports.filter(({ to }) => wanted(file, to)).map(({ line, to }) => `${file.path}:${line}  imports ${to}`),
  )
}

function grep(pattern: RegExp, among: readonly string[]): string[] {
  return among.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}  ${line.trim().slice(0, 100)}`] : [])),
  )
}

const NONE: string[] = []

describe('imports', () => {
  it('run one way: cli → serve → rooms → pipeline', () => {
    const below: Record<string, string[]> = { pipeline: [], serve: [...ROOMS, 'pipeline'] }
    for (const room of ROOMS) below[room] = ['pipeline']
    below.cli = ['serve', ...ROOMS, 'pipeline']
    const isOutside = (path: string, to: string) => {
      const [from, into] = [topOf(path), topOf(to)]
      return from !== into && !(below[from] ?? []).includes(into)
    }
    const wrong = product.flatMap(({ path, imports }) =>
      imports
        .filter((each) => !each.package && isOutside(path, each.to))
        .map(({ line, to }) => `${path}:${line}  ${to}`),
    )
    expect(wrong).toEqual(NONE)
  })

  it('of a plug-in reach its room’s define.ts, packages and its own data', () => {
    const wrong = forbidden(plugIns, ({ path }, to) => {
      if (!to.includes('/') || /^(node:|@)/.test(to)) return false
      const own = to === `${topOf(path)}/define.ts` || to === path.replace(/\.ts$/, '.json')
      return !own && !to.startsWith(path.replace(/\.ts$/, '/')) && PRODUCT.includes(topOf(to))
    })
    expect(wrong).toEqual(NONE)
  })

  // docs/decisions/what-plug-ins-may-use.md
  it('of a plug-in’s own parts reach the contract and each other, and nobody else reaches them', () => {
    const outward = forbidden(
      product,
      ({ path }, to) =>
        isPart(path) &&
        PRODUCT.includes(topOf(to)) &&
        to !== `${topOf(path)}/define.ts` &&
        dirname(to) !== dirname(path),
    )
    const inward = forbidden(
      product,
      ({ path }, to) => isPart(to) && dirname(to) !== dirname(path) && dirname(to) !== path.replace(/\.ts$/, ''),
    )
    expect([...outward, ...inward]).toEqual(NONE)
  })

  it('of the rooms’ run.ts are in the composition root alone', () => {
    expect(importers((to) => ROOMS.some((room) => to === `${room}/run.ts`))).toEqual(['cli/stages.ts'])
  })

  it('of what must have one door are in one file', () => {
    expect(importers((to) => to.startsWith('@duckdb/'))).toEqual(['pipeline/warehouse/duckdb.ts'])
    expect(importers((to) => to === 'undici')).toEqual(['pipeline/http/network.ts'])
    // docs/decisions/mail.md
    const mail = importers((to) => /^(nodemailer|imapflow|smtp-server)(\/|$)/.test(to))
    expect(mail.filter((path) => !path.startsWith('pipeline/mail/'))).toEqual(NONE)
    expect(importers((to) => /^(node:)?(net|tls)$/.test(to)).filter((path) => topOf(path) !== 'pipeline')).toEqual(NONE)
    expect(importers((to) => /^(node:)?https?2?$/.test(to))).toEqual(NONE)
  })

  // docs/decisions/dashboard.md
  it('of a browser’s code reach its own folder and its packages, and the server reaches none of it', () => {
    const isApp = (path: string) => path.startsWith('serve/app/')
    const allowed = /^(preact(\/hooks)?|echarts\/[a-z]+)$/
    expect(forbidden(product, ({ path }, to) => isApp(path) && !isApp(to) && !allowed.test(to))).toEqual(NONE)
    expect(forbidden(product, ({ path }, to) => !isApp(path) && isApp(to))).toEqual(NONE)
  })

  it('name files with their extension, and tests stay out of the product', () => {
    expect(
      forbidden(tsFiles, (_, to) => /^(\.|test\/|bench\/)/.test(to) && !/\.(tsx?|json|mjs|css)$/.test(to)),
    ).toEqual(NONE)
    expect(forbidden(product, (_, to) => /^(test|bench)\//.test(to))).toEqual(NONE)
  })
})

describe('the world is an argument', () => {
  const isCall = (node: ts.Node, name: string) =>
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === name
  const isMember = (node: ts.Node, object: string, member?: string) =>
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === object &&
    (member === undefined || node.name.text === member)
  const isClock = (node: ts.Node) =>
    isMember(node, 'Date', 'now') ||
    isMember(node, 'performance', 'now') ||
    (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments ?? []).length === 0)
  const isRandom = (node: ts.Node) =>
    isMember(node, 'Math', 'random') || ['randomUUID', 'randomBytes', 'randomInt'].some((name) => isCall(node, name))

  it('one file prints', () => {
    const prints = (node: ts.Node) =>
      isMember(node, 'console') ||
      /^process\.(stdout|stderr)\.write$/.test(ts.isPropertyAccessExpression(node) ? node.getText() : '')
    const elsewhere = product.filter(({ path }) => path !== 'cli/report.ts').flatMap((file) => findings(file, prints))
    expect(elsewhere).toEqual(NONE)
  })

  it('no room reads the clock, draws lots, asks the network or looks at the process', () => {
    const reaches = (node: ts.Node) =>
      isClock(node) ||
      isRandom(node) ||
      isCall(node, 'fetch') ||
      isMember(node, 'process') ||
      isMember(node, 'globalThis')
    expect(inRooms.flatMap((file) => findings(file, reaches))).toEqual(NONE)
  })

  it('the engine neither reads the clock, nor draws lots, nor fetches', () => {
    const engine = product.filter(({ path }) => topOf(path) === 'pipeline')
    const isDuration = (node: ts.Node) => isMember(node, 'performance', 'now')
    const isIdentity = (node: ts.Node) => isCall(node, 'randomUUID')
    const reaches = (node: ts.Node) =>
      (isClock(node) && !isDuration(node)) || (isRandom(node) && !isIdentity(node)) || isCall(node, 'fetch')
    expect(engine.flatMap((file) => findings(file, reaches))).toEqual(NONE)
  })
})

describe('sizes', () => {
  const longer = (among: readonly TsFile[], limit: number) =>
    among.filter(({ lines }) => lines > limit).map(({ path, lines }) => `${path}  ${lines} lines, limit ${limit}`)

  it('a plug-in fits in 150 lines, a contract in 80, a file in 400, a test in 600', () => {
    expect(longer(plugIns, 150)).toEqual(NONE)
    expect(
      longer(
        product.filter(({ path }) => basename(path) === 'define.ts'),
        80,
      ),
    ).toEqual(NONE)
    expect(longer(product, 400)).toEqual(NONE)
    const written = tsFiles.filter(({ path }) => !path.startsWith('pipeline/generated/'))
    expect(longer(written, 600)).toEqual(NONE)
  })

  it('the middle file is well under 100 lines', () => {
    const sorted = product.map(({ lines }) => lines).sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(100)
  })

  it('a model fits in 150 lines', () => {
    const long = files
      .filter((path) => path.startsWith('models/') && path.endsWith('.sql'))
      .filter((path) => textOf(path).split('\n').length > 151)
    expect(long).toEqual(NONE)
  })
})

describe('what is not written', () => {
  it('any, silenced checks, notes to oneself', () => {
    // In quotes it is a word of somebody's: a vendor's kind of task.
    const silenced = new RegExp(
      `@ts-(${['ignore', 'nocheck', 'expect-error'].join('|')})|(?<!')\\b(${['TO', 'FIX'].join('DO|')}ME)\\b(?!')`,
    )
    expect(tsFiles.flatMap((file) => findings(file, (node) => node.kind === ts.SyntaxKind.AnyKeyword))).toEqual(NONE)
    expect(grep(silenced, textFiles())).toEqual(NONE)
  })

  it('barrels', () => {
    expect(files.filter((path) => /(^|\/)index\.[cm]?[jt]s$/.test(path))).toEqual(NONE)
    // docs/decisions/what-plug-ins-may-use.md
    const handedOn = ['ingest/for-providers.ts', 'outreach/for-channels.ts']
    const others = product.filter(({ path }) => !handedOn.includes(path))
    const onlyReexports = others.filter(({ source }) => source.statements.every(ts.isExportDeclaration))
    expect(onlyReexports.map(({ path }) => path)).toEqual(NONE)
  })

  it('default exports, except the one of a plug-in or a tool’s configuration', () => {
    const isDefault = (node: ts.Node) =>
      ts.isExportAssignment(node) ||
      (ts.canHaveModifiers(node) &&
        (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword))
    const others = tsFiles.filter(({ path }) => !isPlugIn(path) && !path.endsWith('.config.ts'))
    expect(others.flatMap((file) => findings(file, isDefault))).toEqual(NONE)
    expect(plugIns.filter((file) => findings(file, isDefault).length !== 1).map(({ path }) => path)).toEqual(NONE)
  })

  it('places of one machine, hosts of registries, who or what wrote a line', () => {
    const places = /(^|[^a-z.])\/(wor[k]|far[m]|tm[p]\/[a-z]+|roo[t]|hom[e]\/[a-z]+)\//
    const registries = /registry\.npm[j]s\.org|pypi\.o[r]g|crates\.i[o]\b|registry\.yarn[p]kg\.com|deb\.debia[n]\.org/
    const writers = /\b(claud[e]|anthropi[c]|chatgp[t]|openai-code[x]|subagen[t]|co-authore[d]-by)\b/i
    for (const pattern of [places, registries, writers]) expect(grep(pattern, textFiles())).toEqual(NONE)
  })
})

describe('shared code never asks which one it is', () => {
  const namesIn = (folder: string) =>
    plugIns.filter(({ path }) => dirname(path) === folder).map(({ path }) => basename(path, '.ts'))
  const ordinaryWords = ['file', 'email', 'linkedin', 'phone', 'website', 'dns']

  it('names of providers and CRMs are in no literal of shared code', () => {
    const known = ['apollo', 'hubspot', 'salesforce', 'hunter', 'crunchbase', 'builtwith', 'google_news', 'pipedrive']
    const names = [...new Set([...namesIn('ingest/providers'), ...namesIn('sync/crms'), ...known])]
    const pattern = new RegExp(
      `(^|[^a-z])(${names.filter((name) => !ordinaryWords.includes(name)).join('|')})([^a-z]|$)`,
      'i',
    )
    const wrong = shared.flatMap((file) => findings(file, (node) => pattern.test(literalText(node) ?? '')))
    expect(wrong).toEqual(NONE)
  })

  it('no shared code of a room compares with the name of one of its plug-ins', () => {
    const wrong = PLUG_INS.flatMap((folder) => {
      const names = namesIn(folder)
      const isName = (node: ts.Node) => names.includes(literalText(node) ?? '')
      const isWhich = (node: ts.Node) => /(^|\.)(name|provider|crm|channel|service|source)$/.test(node.getText())
      const asks = (a: ts.Node, b: ts.Node) => (isWhich(a) && isName(b)) || (isName(a) && isWhich(b))
      const compares = (node: ts.Node) =>
        ts.isBinaryExpression(node)
          ? /^[!=]==?$/.test(node.operatorToken.getText()) && asks(node.left, node.right)
          : ts.isCaseClause(node) && asks(node.parent.parent.expression, node.expression)
      const room = shared.filter(({ path }) => topOf(path) === topOf(folder))
      return room.flatMap((file) => findings(file, compares))
    })
    expect(wrong).toEqual(NONE)
  })
})

describe('ls is the catalogue', () => {
  const stem = (path: string) => path.replace(/\.[^./]+$/, '')

  it('every room has the same doors', () => {
    const doors = ROOMS.flatMap((room) => [`${room}/define.ts`, `${room}/run.ts`])
    expect(doors.filter((door) => !files.includes(door))).toEqual(NONE)
  })

  it('models are .sql with a .yml twin each, seeds .csv with a .yml twin each, analyses .sql', () => {
    const twins = (folder: string, kind: string) => {
      const own = files.filter((path) => path.startsWith(`${folder}/`))
      const [main, yml] = [kind, '.yml'].map((end) => own.filter((path) => path.endsWith(end)).map(stem))
      const strangers = own.filter((path) => !path.endsWith(kind) && !path.endsWith('.yml'))
      return [...strangers, ...main!.filter((it) => !yml!.includes(it)), ...yml!.filter((it) => !main!.includes(it))]
    }
    expect(twins('models', '.sql')).toEqual(NONE)
    expect(twins('seeds', '.csv')).toEqual(NONE)
    expect(files.filter((path) => path.startsWith('analyses/') && !path.endsWith('.sql'))).toEqual(NONE)
  })

  it('files are kebab-case, and snake_case where SQL and YAML name them', () => {
    const [kebab, snake] = [/^[a-z0-9]+(-[a-z0-9]+)*((\.long)?\.test|\.config)?$/, /^[a-z0-9]+(_+[a-z0-9]+)*$/]
    const named = files.filter((path) => /\.(tsx?|sql)$/.test(path) && !path.includes('/fixtures/'))
    const wrong = named.filter((path) => {
      const name = basename(path).replace(/\.[a-z]+$/, '')
      return !(isPlugIn(path) || path.endsWith('.sql') ? snake : kebab).test(name)
    })
    expect(wrong).toEqual(NONE)
  })

  it('unit tests mirror the tree', () => {
    const lost = files
      .filter((path) => path.startsWith('test/unit/') && path.endsWith('.test.ts'))
      .map((path) => dirname(path).slice('test/unit/'.length))
      .filter((folder) => folder !== '' && !files.some((path) => path.startsWith(`${folder}/`)))
    expect(lost).toEqual(NONE)
  })

  it('every kind of plug-in has a contract suite that walks its folder', () => {
    const suites = files.filter((path) => path.startsWith('test/contract/')).map(textOf)
    expect(PLUG_INS.filter((folder) => !suites.some((text) => text.includes(folder)))).toEqual(NONE)
  })

  it('a package that is loaded with its first use is read by its default: in the bundle a CommonJS one has no names', () => {
    const named = /\{(?!\s*default\b)[^{}]*\}\]?\s*=[^=\n]*import\('(?!node:|vite'|\.)[^)]*\)(?!\)\.default)/
    expect(product.filter(({ path }) => named.test(textOf(path))).map(({ path }) => path)).toEqual(NONE)
  })

  it('a contract says what each of its members means', () => {
    const contracts = product.filter(({ path }) => ROOMS.some((room) => path === `${room}/define.ts`))
    const bare = contracts.flatMap((file) => {
      const typed = file.source.statements.filter(ts.isFunctionDeclaration).map(({ type }) => type?.getText() ?? '')
      return findings(file, (node) => {
        if (ts.getJSDocCommentsAndTags(node).length > 0) return false
        if (ts.isInterfaceDeclaration(node)) return true
        const owner = ts.isInterfaceDeclaration(node.parent ?? node)
          ? (node.parent as ts.InterfaceDeclaration).name.text
          : ''
        return ts.isTypeElement(node) && owner !== '' && typed.some((type) => type.split('<')[0] === owner)
      })
    })
    expect(bare).toEqual(NONE)
  })
})

it('dependencies are pinned, few, and install without scripts of our own', () => {
  const manifest = JSON.parse(textOf('package.json')) as Record<string, Record<string, string> | undefined>
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+/.test(version))).toEqual([])
  expect(Object.keys(manifest.dependencies ?? {}).length).toBeLessThanOrEqual(24)
  expect(Object.keys(manifest.scripts ?? {}).filter((name) => /install|prepare/.test(name))).toEqual(NONE)
})

/** Files that a person reads or writes; the lock file and binary fixtures are made by machines. */
function textFiles(): string[] {
  return files.filter((path) => path !== 'package-lock.json' && !/\.(zip|parquet|png|duckdb|gz)$/.test(path))
}
