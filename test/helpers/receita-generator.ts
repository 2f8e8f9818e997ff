import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { cnpjOf, DEFECTS, line } from './receita-defects.ts'

export interface ReceitaOptions {
  /** Where the zips go; made if absent. */
  folder: string
  /** How many companies (CNPJ roots), with about 1.15 establishments each. */
  companies: number
  seed?: number
  /** Parts of each of the three big tables, at most 10. */
  parts?: number
  /** Share of companies with a letter in their CNPJ. */
  alphanumeric?: number
  /** As in the members' names: `D60808` is 2026-08-08. */
  extracted?: string
  /** Plants every known defect behind the first company of part 0. */
  defects?: boolean
  /** Without, writing is faster and the zips are large. */
  compress?: boolean
}

export interface Truth {
  /** Good rows per table, before any filter. */
  rows: Record<string, number>
  /** Lines that must be rejected. */
  rejects: { file: string; line: number; reason: RegExp }[]
}

export interface Company {
  root: string
  name: string
  mei: boolean
  uf: string
  municipio: string
  cnae: string
  other_cnaes: string[]
  active: boolean
  establishments: number
  partners: number
}

const PLACES = ['SP 7107', 'RJ 6001', 'DF 9701', 'MG 4123', 'BA 3849', 'RS 8801']
const CNAES = ['6201501', '6202300', '6204000', '4930202', '5611201', '9430800', '8599699', '4711302']
const WORDS = ['PADARIA SÃO JOSÉ', 'TRANSPORTES AVANÇO', 'COMÉRCIO DE PEÇAS', 'CONSULTORIA', 'CAFÉ', 'OFICINA']
const LETTERS = 'ABCDEFGHIJ'

const LOOKUPS: Record<string, { marker: string; rows: string[][] }> = {
  Cnaes: { marker: 'CNAECSV', rows: CNAES.map((code) => [code, `Atividade econômica ${code}`]) },
  Motivos: {
    marker: 'MOTICSV',
    rows: [
      ['00', 'SEM  MOTIVO'],
      ['01', 'EXTINCAO'],
    ],
  },
  Municipios: { marker: 'MUNICCSV', rows: PLACES.map((place) => [place.slice(3), `CIDADE DE ${place.slice(0, 2)}`]) },
  Naturezas: {
    marker: 'NATJUCSV',
    rows: [
      ['2062', 'Sociedade Empresária Limitada'],
      ['2135', 'Empresário (Individual)'],
    ],
  },
  Paises: {
    marker: 'PAISCSV',
    rows: [
      ['105', 'BRASIL'],
      ['249', 'ESTADOS UNIDOS'],
    ],
  },
  Qualificacoes: {
    marker: 'QUALSCSV',
    rows: [
      ['22', 'Sócio'],
      ['49', 'Sócio-Administrador'],
      ['50', 'Empresário'],
    ],
  },
}

/** Everything about company `index`: depends on nothing but the seed, so that any part can be written by itself. */
export function companyOf(index: number, { seed = 1, alphanumeric = 0.05 }: Partial<ReceitaOptions> = {}): Company {
  const dice = diceOf(seed, index)
  const pick = (items: readonly string[]) => items[Math.floor(dice() * items.length)]!
  const number = String((index * 48_271 + seed * 7_919 + 11) % 100_000_000).padStart(8, '0')
  const [uf, municipio] = pick(PLACES).split(' ') as [string, string]
  const cnae = pick(CNAES)
  const mei = dice() < 0.3
  return {
    root: dice() < alphanumeric ? number.slice(0, 2) + LETTERS[Number(number[2])]! + number.slice(3) : number,
    name: mei ? `EMPRESARIO ${index} ${10_000_000_000 + index}` : `${pick(WORDS)} ${index} LTDA`,
    mei,
    uf,
    municipio,
    cnae,
    other_cnaes: dice() < 0.5 ? CNAES.filter((code) => code !== cnae && dice() < 0.3) : [],
    active: dice() < 0.45,
    establishments: dice() < 0.15 ? 2 : 1,
    partners: mei ? 0 : 1 + Math.floor(dice() * 2),
  }
}

/** Rows of a company in each table. */
const ROWS: Record<string, { marker: string; rows(company: Company): string }> = {
  Empresas: {
    marker: 'EMPRECSV',
    rows: ({ root, name, mei }) =>
      line(root, name, mei ? '2135' : '2062', mei ? '50' : '49', mei ? '0,00' : '10000,00', mei ? '01' : '05', ''),
  },
  Estabelecimentos: {
    marker: 'ESTABELE',
    rows: (company) =>
      Array.from({ length: company.establishments }, (_, index) => establishmentOf(company, index + 1)).join(''),
  },
  Socios: {
    marker: 'SOCIOCSV',
    rows: ({ root, partners }) =>
      Array.from({ length: partners }, (_, index) =>
        line(
          root,
          '2',
          `SOCIO ${index + 1} DE ${root}`,
          `***${root.slice(0, 2)}000${index}**`,
          '49',
          '20150630',
          '',
          '***000000**',
          '',
          '00',
          '4',
        ),
      ).join(''),
  },
  Simples: {
    marker: 'SIMPLES',
    rows: ({ root, mei }) => (mei ? line(root, 'S', '20150630', '00000000', 'S', '20150630', '00000000') : ''),
  },
}

function establishmentOf(company: Company, order: number): string {
  const cnpj = cnpjOf(company.root, String(order).padStart(4, '0'))
  const status = company.active ? ['02', '20150630', '00'] : ['08', '20201231', '01']
  return line(
    cnpj.slice(0, 8),
    cnpj.slice(8, 12),
    cnpj.slice(12),
    order === 1 ? '1' : '2',
    order === 1 && !company.mei ? company.name : '',
    ...status,
    '',
    '',
    '20150630',
    company.cnae,
    company.other_cnaes.join(','),
    'RUA',
    'DAS ACÁCIAS',
    '100',
    'SALA  1',
    'CENTRO',
    '01311902',
    company.uf,
    company.municipio,
    '11',
    '30000000',
    '',
    '',
    '',
    '',
    `contato@${company.root.toLowerCase()}.com.br`,
    '',
    '',
  )
}

/** Writes a month in the official layout: all ten tables, zipped as published. The same options give the same bytes. */
export async function generateReceita(options: ReceitaOptions): Promise<Truth> {
  const { folder, parts = 2, extracted = 'D60808', defects = false } = options
  const truth: Truth = { rows: {}, rejects: [] }
  mkdirSync(folder, { recursive: true })
  for (const [table, { marker, rows }] of Object.entries(ROWS)) {
    truth.rows[table] = 0
    for (let part = 0; part < (table === 'Simples' ? 1 : parts); part++) {
      const zip = table === 'Simples' ? 'Simples.zip' : `${table}${part}.zip`
      const member =
        table === 'Simples' ? `F.K03200$W.SIMPLES.CSV.${extracted}` : `K3241.K03200Y${part}.${extracted}.${marker}`
      const texts = function* () {
        const step = table === 'Simples' ? 1 : parts
        let lines = 0
        for (let index = part; index < options.companies; index += step) {
          const text = rows(companyOf(index, options))
          const count = text.split('\n').length - 1
          truth.rows[table]! += count
          lines += count
          yield text
          if (!defects || index !== 0) continue
          for (const defect of DEFECTS.filter((one) => one.table === table)) {
            if (defect.reject) truth.rejects.push({ file: `${zip}!${member}`, line: lines + 1, reason: defect.reject })
            truth.rows[table]! += defect.rows
            lines += defect.text.split('\n').length - 1
            yield defect.text
          }
        }
      }
      await writeZip(join(folder, zip), member, texts(), options.compress ?? true)
    }
  }
  for (const [table, { marker, rows }] of Object.entries(LOOKUPS)) {
    truth.rows[table] = rows.length
    const texts = rows.map((row) => line(...row))
    await writeZip(join(folder, `${table}.zip`), `F.K03200$Z.${extracted}.${marker}`, texts, options.compress ?? true)
  }
  return truth
}

/** One member of latin1 text, streamed. */
export async function writeZip(path: string, member: string, texts: Iterable<string>, compress = true): Promise<void> {
  const zip = new ZipFile()
  zip.addReadStreamLazy(member, { mtime: new Date(2026, 7, 8), forceDosTimestamp: true, compress }, (give) =>
    give(null, Readable.from(pieces(texts))),
  )
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(path))
}

function* pieces(texts: Iterable<string>): Generator<Buffer> {
  let piece = ''
  for (const text of texts) {
    piece += text
    if (piece.length < 1 << 16) continue
    yield Buffer.from(piece, 'latin1')
    piece = ''
  }
  if (piece !== '') yield Buffer.from(piece, 'latin1')
}

/** mulberry32, begun anew for each company. */
function diceOf(seed: number, index: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
