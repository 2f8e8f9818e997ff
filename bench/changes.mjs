// Two months of a table of establishments compared, by the code that a run uses, beside the same outer join issued by hand.
// node bench/changes.mjs [establishments, default 2000000] [keys|rows, default rows] [folder for the Parquet]
// keys: a key and one column; rows: all 31 columns of the register's establishments.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const [, script, rows = '2000000', mode = 'rows', place = tmpdir(), phase, folder] = process.argv
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const count = Number(rows)
const THREADS = 2
const MEMORY = '4GB'
const FILE_ROWS = 1_000_000

const CODES = "['6201501', '6202300', '4781400', '5611203', '8599699', '9430800']"
const text = (salt, length) => `left(md5((i * ${salt})::varchar), ${length})`
const columns = {
  cnpj: 'VARCHAR',
  ...(mode === 'keys'
    ? { content: 'UBIGINT' }
    : Object.fromEntries(
        `cnpj_basico cnpj_ordem cnpj_dv identificador_matriz_filial nome_fantasia situacao_cadastral
         data_situacao_cadastral:DATE motivo_situacao_cadastral nome_cidade_exterior pais data_inicio_atividade:DATE
         cnae_fiscal_principal cnaes_secundarias:VARCHAR[] tipo_logradouro logradouro numero complemento bairro cep uf
         municipio ddd_1 telefone_1 ddd_2 telefone_2 ddd_fax fax correio_eletronico situacao_especial
         data_situacao_especial:DATE`
          .split(/\s+/)
          .map((column) => [column.split(':')[0], column.split(':')[1] ?? 'VARCHAR']),
      )),
}
const table = {
  source: 'bench',
  table: 'estabelecimentos',
  description: '',
  columns,
  key: ['cnpj'],
  write: 'replace',
  bulk: true,
}

/** One in twenty has a letter; in order of `i`. 3 % of the second month's rows are other ones, 0.6 % new, 0.6 % gone. */
function monthSql(month, from, to) {
  const cnpj = `case when i % 20 = 7 then lpad((i // 100000)::varchar, 5, '0') || 'A' || lpad((i % 100000)::varchar, 6, '0')
    else lpad((i // 100000)::varchar, 5, '0') || '0' || lpad((i % 100000)::varchar, 6, '0') end || '00'`
  const edit = month === 1 ? '0' : 'if(i % 33 = 5, 1, 0)'
  const there = month === 1 ? 'i % 166 <> 3' : 'i % 166 <> 4'
  const made = {
    cnpj,
    cnpj_basico: `left(${cnpj}, 8)`,
    cnpj_ordem: "'0001'",
    cnpj_dv: "'00'",
    identificador_matriz_filial: "if(i % 8 = 0, '2', '1')",
    nome_fantasia: `if(i % 3 = 0, ${text(3, 18)}, null)`,
    situacao_cadastral: `if(i % 3 = 1, '08', '02')`,
    data_situacao_cadastral: "date '2005-01-01' + (i % 7000)::int",
    motivo_situacao_cadastral: "'00'",
    data_inicio_atividade: "date '1995-01-01' + (i % 11000)::int",
    cnae_fiscal_principal: `(${CODES})[1 + i % 6]`,
    cnaes_secundarias: `[(${CODES})[1 + (i // 7) % 6], (${CODES})[1 + (i // 5) % 6]]`,
    tipo_logradouro: "'RUA'",
    logradouro: text(7, 14),
    numero: `(i % 3000 + ${edit})::varchar`,
    complemento: `if(i % 4 = 0, ${text(11, 10)}, null)`,
    bairro: text(13, 9),
    cep: "lpad((i % 99999999)::varchar, 8, '0')",
    uf: "(['SP', 'RJ', 'MG', 'RS'])[1 + i % 4]",
    municipio: "lpad((i % 5570)::varchar, 4, '0')",
    ddd_1: "'11'",
    telefone_1: "lpad((i % 99999999)::varchar, 8, '0')",
    correio_eletronico: `${text(17, 10)} || '@example.com'`,
    content: `hash(i) + ${edit}`,
  }
  const list = Object.entries(columns).map(([name, type]) => `cast(${made[name] ?? 'null'} as ${type}) as ${name}`)
  return `select ${list.join(', ')} from range(${from}, ${to}) as t(i) where ${there}`
}

async function engine() {
  const bundle = join(root, 'node_modules', '.bench-changes.mjs')
  const entry = `export { writeChanges } from './pipeline/bulk/changes.ts'
export { openDatabase } from './pipeline/warehouse/duckdb.ts'`
  await build({
    stdin: { contents: entry, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: bundle,
    logLevel: 'error',
  })
  return import(pathToFileURL(bundle).href)
}

const filesOf = (month) =>
  readdirSync(join(folder, month))
    .sort()
    .map((file) => join(folder, month, file))

async function work() {
  const { openDatabase, writeChanges } = await engine()
  const database = await openDatabase({ threads: THREADS, memory_limit: MEMORY, temp_directory: join(folder, 'spill') })
  const connection = await database.connect()
  const clock = performance.now()
  const cpu = process.cpuUsage()
  let found = 0
  if (phase === 'make') {
    for (const month of [1, 2]) {
      mkdirSync(join(folder, String(month)))
      for (let from = 0; from < count; from += FILE_ROWS) {
        const file = join(folder, String(month), `${String(from / FILE_ROWS).padStart(4, '0')}.parquet`)
        const select = monthSql(month, from, Math.min(count, from + FILE_ROWS))
        await connection.run(`copy (${select} order by cnpj) to '${file}' (format parquet, compression zstd)`)
      }
    }
  } else if (phase === 'bare') {
    const side = (month) => `(select cnpj, hash(${Object.keys(columns).join(', ')}) as h
      from read_parquet([${filesOf(month).map((file) => `'${file}'`)}]))`
    const [answer] =
      await connection.rows(`select count(*) as n from ${side('1')} as a full outer join ${side('2')} as b
      using (cnpj) where a.h is distinct from b.h`)
    found = answer.n
  } else {
    const sides = {
      before: { snapshot: '2026-07-11', files: filesOf('1') },
      after: { snapshot: '2026-08-08', files: filesOf('2') },
    }
    const written = await writeChanges(connection, { table, ...sides, same_filter: true }, (part) =>
      join(folder, `changes-${part}.parquet`),
    )
    found = written.reduce((sum, rows) => sum + rows, 0)
  }
  const used = process.cpuUsage(cpu)
  const result = {
    found,
    seconds: (performance.now() - clock) / 1000,
    cpu: (used.user + used.system) / 1e6,
    peak: process.resourceUsage().maxRSS / 1024 / 1024,
  }
  connection.close()
  database.close()
  writeFileSync(join(folder, `${phase}.json`), JSON.stringify(result))
}

if (phase !== undefined) await work()
else {
  const made = mkdtempSync(join(place, 'lead-engine-changes-'))
  const run = (step) => {
    const child = spawnSync(process.execPath, [script, rows, mode, place, step, made], { stdio: 'inherit' })
    if (child.status !== 0) throw new Error(`${step} failed`)
    return import(pathToFileURL(join(made, `${step}.json`)).href, { with: { type: 'json' } }).then((one) => one.default)
  }
  try {
    await run('make')
    const bytes = ['1', '2'].flatMap((month) =>
      readdirSync(join(made, month)).map((file) => statSync(join(made, month, file)).size),
    )
    console.log(
      `${count} establishments a month, ${mode}, ${(bytes.reduce((a, b) => a + b) / 2 ** 30).toFixed(2)} GiB of Parquet; ${THREADS} threads, memory_limit ${MEMORY}`,
    )
    for (const [name, step] of [
      ['by hand: the changed keys counted', 'bare'],
      ['writeChanges: both rows of each, written', 'ours'],
    ]) {
      const { found, seconds, cpu, peak } = await run(step)
      console.log(
        `${name.padEnd(42)} ${found} changed, ${seconds.toFixed(1)} s, CPU ${cpu.toFixed(1)} s, peak ${peak.toFixed(2)} GiB`,
      )
    }
  } finally {
    rmSync(made, { recursive: true })
  }
}
