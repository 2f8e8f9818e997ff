// A month of the Receita Federal in the exact layout, of any size: made by DuckDB, recoded to latin1, zipped as published.
import { createReadStream, createWriteStream, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { ZipFile } from 'yazl'

const PARTS = 10
/** As the real month: companies, partners and Simples per establishment (69.5, 27.5 and 48 to 72.8 million). */
const PER_ESTABLISHMENT = { empresas: 0.955, socios: 0.378, simples: 0.66 }
const UFS = [
  'SP',
  'SP',
  'SP',
  'SP',
  'SP',
  'SP',
  'MG',
  'MG',
  'RJ',
  'RJ',
  'PR',
  'RS',
  'SC',
  'BA',
  'GO',
  'PE',
  'CE',
  'DF',
  'ES',
  'PA',
  'MT',
  'EX',
]
const CNAES = [
  4781400, 5611203, 4712100, 9602501, 4399103, 5612100, 7319002, 4930202, 4520001, 8599699, 9430800, 6201501, 6202300,
  6204000, 6920601, 8211300, 4321500, 4744099, 8630503, 7020400, 4649499, 5320202, 9511800, 4789099, 4723700, 4530703,
  4752100, 4755502, 4774100, 4120400,
]
const WORDS = [
  'PADARIA SÃO JOSÉ',
  'TRANSPORTES AVANÇO',
  'COMÉRCIO DE PEÇAS',
  'CONSULTORIA',
  'CAFÉ CENTRAL',
  'OFICINA MECÂNICA',
  'MERCADO',
  'CONSTRUTORA HORIZONTE',
  'CLÍNICA',
  'RESTAURANTE BOM SABOR',
  'DISTRIBUIDORA DE BEBIDAS',
  'SALÃO DE BELEZA',
]
const STREETS = [
  'DAS ACÁCIAS',
  'SANTANA',
  'GETÚLIO VARGAS',
  'BRASIL',
  'QUINZE DE NOVEMBRO',
  'DOM PEDRO II',
  'PRESIDENTE KENNEDY',
  'SÃO PAULO',
]
const PLACES = [
  'CENTRO',
  'JARDIM AMÉRICA',
  'VILA NOVA',
  'SANTO ANTÔNIO',
  'BOA VISTA',
  'INDUSTRIAL',
  'PARQUE DAS NAÇÕES',
]
const EXTRAS = ['', '', '', 'SALA  1', 'ANDAR 1', 'BLOCO B                  APT  12', 'LOJA 2', 'CASA', 'FUNDOS']

const list = (items) => `[${items.map((item) => `'${item}'`).join(', ')}]`
const pick = (items, salt) => `(${list(items)})[1 + (hash(i, ${salt}) % ${items.length})::int]`
const chance = (salt, percent) => `(hash(i, ${salt}) % 100 < ${percent})`
const digits = (number, length) => `lpad((${number})::varchar, ${length}, '0')`
const day = (salt) => `strftime(date '1995-01-01' + (hash(i, ${salt}) % 11500)::int, '%Y%m%d')`
const number = (company) => digits(`(${company} * 48271 + 11) % 100000000`, 8)
/** One company in twenty has a letter in its CNPJ. */
const root = (company) => `case when (${company}) % 20 = 7
  then left(${number(company)}, 2) || chr(65 + substr(${number(company)}, 3, 1)::int) || substr(${number(company)}, 4)
  else ${number(company)} end`
const weighed = (text, length) =>
  Array.from(
    { length },
    (_, at) => `(ascii(substr(${text}, ${at + 1}, 1)) - 48) * ${((length - 1 - at) % 8) + 2}`,
  ).join(' + ')
const check = (text, length) => `(with_rest(${weighed(text, length)}))`
const mei = (company) => `((${company}) % 3 = 0)`

/** What the parts of each table hold: its columns for rows `i` of `range`. */
function tables(establishments) {
  const companies = Math.round(establishments * PER_ESTABLISHMENT.empresas)
  const owner = `case when i < ${companies} then i else (i * 7919) % ${companies} end`
  return {
    Empresas: {
      marker: 'EMPRECSV',
      rows: companies,
      sql: (
        range,
      ) => `select ${root('i')}, case when ${mei('i')} then ${pick(WORDS, 1)} || ' DA SILVA ' || ${digits('hash(i, 2) % 100000000000', 11)}
          else ${pick(WORDS, 1)} || ' ' || i || ' LTDA' end,
        case when ${mei('i')} then '2135' else '2062' end, case when ${mei('i')} then '50' else '49' end,
        (hash(i, 3) % 500)::varchar || '000,00', case when ${chance(4, 72)} then '01' when ${chance(4, 76)} then '03' else '05' end, ''
        from ${range}`,
    },
    Estabelecimentos: {
      marker: 'ESTABELE',
      rows: establishments,
      sql: (
        range,
      ) => `select base[:8], base[9:12], d1 || ${check('(base || d1)', 13)}, case when i < ${companies} then '1' else '2' end,
        case when ${chance(5, 36)} then ${pick(WORDS, 6)} || ' ' || (i % 1000) else '' end,
        case when ${chance(7, 38)} then '02' when ${chance(7, 93)} then '08' else '04' end, ${day(8)}, '01', '', '', ${day(9)},
        ${pick(CNAES, 10)}, case when ${chance(11, 46)} then ${pick(CNAES, 12)} || ',' || ${pick(CNAES, 13)} || ',' || ${pick(CNAES, 14)} else '' end,
        ${pick(['RUA', 'AVENIDA', 'RUA', 'TRAVESSA'], 15)}, ${pick(STREETS, 16)}, (hash(i, 17) % 3000)::varchar, ${pick(EXTRAS, 18)},
        ${pick(PLACES, 19)}, ${digits('hash(i, 20) % 90000000 + 10000000', 8)}, ${pick(UFS, 21)}, ${digits('hash(i, 22) % 5572', 4)},
        (11 + hash(i, 23) % 80)::varchar, ${digits('hash(i, 24) % 100000000', 8)}, '', '', '', '',
        case when ${chance(25, 70)} then 'contato' || (i % 100000) || '@empresa' || (hash(i, 26) % 1000000) || '.com.br' else '' end, '', ''
        from (select *, ${check('base', 12)} as d1 from (select i, (${root(owner)}) ||
          case when i < ${companies} then '0001' else ${digits(`2 + (i - ${companies}) * 7919 // ${companies}`, 4)} end as base from ${range}))`,
    },
    Socios: {
      marker: 'SOCIOCSV',
      rows: Math.round(establishments * PER_ESTABLISHMENT.socios),
      sql: (
        range,
      ) => `select ${root(`(i * 3 // 2) % ${companies}`)}, '2', ${pick(WORDS, 1)} || ' PEREIRA ' || i, '***' || ${digits('hash(i, 2) % 1000000', 6)} || '**',
        '49', ${day(3)}, '', '***000000**', '', '00', (3 + hash(i, 4) % 6)::varchar from ${range}`,
    },
    Simples: {
      marker: 'SIMPLES',
      rows: Math.round(establishments * PER_ESTABLISHMENT.simples),
      sql: (range) =>
        `select ${root('i')}, 'S', ${day(1)}, '00000000', case when ${mei('i')} then 'S' else 'N' end, ${day(2)}, '00000000' from ${range}`,
    },
  }
}

const LOOKUPS = {
  Cnaes: ['CNAECSV', CNAES.map((code) => [code, `Atividade ${code}`])],
  Motivos: [
    'MOTICSV',
    [
      ['00', 'SEM  MOTIVO'],
      ['01', 'EXTINCAO'],
    ],
  ],
  Municipios: [
    'MUNICCSV',
    Array.from({ length: 5572 }, (_, code) => [String(code).padStart(4, '0'), `CIDADE ${code}`]),
  ],
  Naturezas: [
    'NATJUCSV',
    [
      ['2062', 'Sociedade Empresária Limitada'],
      ['2135', 'Empresário (Individual)'],
    ],
  ],
  Paises: ['PAISCSV', [['105', 'BRASIL']]],
  Qualificacoes: [
    'QUALSCSV',
    [
      ['49', 'Sócio-Administrador'],
      ['50', 'Empresário'],
    ],
  ],
}

/** Writes the month's zips; answers rows and bytes of text of each table. `clean`: also keeps the text, as UTF-8, there. */
export async function generateMonth(connection, { folder, establishments, clean, extracted = 'D60808' }) {
  mkdirSync(folder, { recursive: true })
  if (clean !== undefined) mkdirSync(clean, { recursive: true })
  await connection.run(
    `create or replace macro with_rest(s) as (case when s % 11 < 2 then 0 else 11 - s % 11 end)::varchar`,
  )
  const made = {}
  for (const [table, { marker, rows, sql }] of Object.entries(tables(establishments))) {
    made[table] = { rows, bytes: 0 }
    const parts = table === 'Simples' ? 1 : PARTS
    let zipping = Promise.resolve()
    for (let part = 0; part < parts; part++) {
      const [from, to] = [Math.floor((rows * part) / parts), Math.floor((rows * (part + 1)) / parts)]
      const csv = join(clean ?? folder, `${table}${part}.csv`)
      const select = sql(`(select range as i from range(${from}, ${to}))`)
      await connection.run(
        `copy (${select}) to '${csv}' (format csv, header false, delimiter ';', quote '"', escape '"', force_quote *)`,
      )
      await zipping
      const zip = join(folder, parts === 1 ? `${table}.zip` : `${table}${part}.zip`)
      const member = parts === 1 ? `F.K03200$W.SIMPLES.CSV.${extracted}` : `K3241.K03200Y${part}.${extracted}.${marker}`
      zipping = zipText(zip, member, createReadStream(csv, { highWaterMark: 1 << 20 })).then((bytes) => {
        made[table].bytes += bytes
        if (clean === undefined) rmSync(csv)
      })
    }
    await zipping
  }
  for (const [table, [marker, rows]] of Object.entries(LOOKUPS)) {
    const text = rows.map((row) => `${row.map((field) => `"${field}"`).join(';')}\n`).join('')
    const bytes = await zipText(
      join(folder, `${table}.zip`),
      `F.K03200$Z.${extracted}.${marker}`,
      Readable.from([Buffer.from(text)]),
    )
    made[table] = { rows: rows.length, bytes }
  }
  return made
}

async function zipText(path, member, source) {
  const zip = new ZipFile()
  let bytes = 0
  const latin1 = async function* () {
    const decoder = new StringDecoder('utf8')
    for await (const piece of source) {
      const out = Buffer.from(decoder.write(piece), 'latin1')
      bytes += out.length
      yield out
    }
  }
  zip.addReadStreamLazy(member, { mtime: new Date(2026, 7, 8), forceDosTimestamp: true }, (give) =>
    give(null, Readable.from(latin1())),
  )
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(path))
  return bytes
}
