// Matching on labelled sets beside this repository (../shared/data), and on generated companies.
// node bench/match.mjs [rows of the generated set, 0 for none] [threads]
// Half of the true companies and people of two sets ("tuned on") is what thresholds and weights were chosen on; the other
// half was only counted.
import { spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const shared = join(root, '..', 'shared', 'data', 'entity_resolution')
const bin = join(root, 'bin', 'pipeline.mjs')
const generated = Number(process.argv[2] ?? 100_000)
const threads = process.argv[3] ?? '2'
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-match-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const pad = (text, width) => String(text).padEnd(width)
console.log(
  `${pad('set', 34)}${pad('rows', 9)}${pad('precision', 11)}${pad('recall', 9)}${pad('F1', 8)}${pad('s', 7)}rows/s, memory, processor`,
)
if (existsSync(shared)) {
  chicago()
  for (const name of ['dataset1', 'dataset2', 'dataset3']) febrl(name, [name])
  febrl('dataset4', ['dataset4a', 'dataset4b'])
  splink()
} else console.log('the labelled sets are not beside this repository: skipped')
if (generated > 0) await companies(generated)

function chicago() {
  const rows = records(join(shared, 'chicago_sites/csv_example_input_with_true_ids.csv'))
  const table = rows.map((row) => ({
    id: row.Id,
    truth: row['True Id'],
    name: row['Site name'],
    address: [row.Address, row.Zip].filter(Boolean).join(' '),
    phone: row.Phone,
  }))
  judge('chicago_sites, name', table, ['name'])
  halves('chicago_sites, name address phone', table, ['name', 'address', 'phone'])
}

function febrl(title, files) {
  const rows = files.flatMap((file) => records(join(shared, `febrl/${file}.csv`)))
  const table = rows.map((row) => ({
    id: row.rec_id,
    truth: /rec-(\d+)/.exec(row.rec_id)[1],
    name: `${row.given_name} ${row.surname}`.trim(),
    address: [row.street_number, row.address_1, row.address_2, row.suburb, row.postcode, row.state]
      .filter(Boolean)
      .join(' '),
    phone: row.soc_sec_id,
  }))
  judge(`febrl ${title}, name address`, table, ['name', 'address'])
}

function splink() {
  const table = records(join(shared, 'splink/fake_1000.csv')).map((row) => ({
    id: row.unique_id,
    truth: row.cluster,
    name: `${row.first_name} ${row.surname}`.trim(),
    place: row.city,
    email: row.email,
    address: row.dob,
  }))
  halves('splink, name city email', table, ['name', 'place', 'email'])
  halves('splink, birthday as address', table, ['name', 'place', 'email', 'address'])
}

/** Invented companies, each with up to two more records as another source would have them. */
async function companies(count) {
  let state = 42
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
  const pick = (list) => list[Math.floor(next() * list.length)]
  const syllables =
    'ba be bi bo bra bre ca ce co cra da de di do dra fa fe fi fo ga go gra gui ja jo la le li lo lu ma me mi mo na ne no nu pa pe pi po pra ra re ri ro sa se si so ta te ti to tra va ve vi vo xa za zi'.split(
      ' ',
    )
  const word = () => Array.from({ length: 2 + Math.floor(next() * 3) }, () => pick(syllables)).join('')
  const trades = [
    'Comércio de Alimentos',
    'Serviços de Engenharia',
    'Tecnologia',
    'Transportes',
    'Consultoria Empresarial',
    'Indústria Metalúrgica',
    'Construções',
    'Materiais de Construção',
    'Farmácia',
    'Confecções',
  ]
  const forms = ['Ltda', 'LTDA.', 'S.A.', 'S/A', 'EIRELI', 'ME', 'Ltda - ME', '']
  const streets = ['Rua', 'R.', 'Avenida', 'Av.']
  const cities = [
    'São Paulo',
    'Rio de Janeiro',
    'Curitiba',
    'Recife',
    'Salvador',
    'Belo Horizonte',
    'Manaus',
    'Goiânia',
  ]
  const misspelt = (text) => {
    const at = 1 + Math.floor(next() * Math.max(1, text.length - 2))
    return next() < 0.5 ? text.slice(0, at) + text.slice(at + 1) : text.slice(0, at) + text[at - 1] + text.slice(at)
  }
  const file = join(folder, 'companies.csv')
  const out = createWriteStream(file)
  const truth = new Map()
  const write = async (line) => {
    if (!out.write(`${line}\n`)) await new Promise((done) => out.once('drain', done))
  }
  await write('id,name,address,place,phone,domain')
  let rows = 0
  for (let company = 0; rows < count; company++) {
    const [first, second] = [word(), next() < 0.6 ? word() : '']
    const name = [first, second].filter(Boolean).join(' ')
    const trade = pick(trades)
    const phone = `+55 ${11 + Math.floor(next() * 80)} ${String(20000000 + Math.floor(next() * 79999999))}`
    const domain = next() < 0.5 ? `${first}${second}${company % 97}.com.br` : ''
    const [street, number, city] = [`${word()} ${word()}`, 1 + Math.floor(next() * 3000), pick(cities)]
    const copies = 1 + Math.floor(next() * 2.4)
    for (let copy = 0; copy < copies && rows < count; copy++) {
      const changed = copy === 0 ? name : next() < 0.3 ? misspelt(name) : name
      const full = `${changed} ${copy > 0 && next() < 0.2 ? '' : trade} ${pick(forms)}`.trim()
      const fields = [
        rows,
        copy > 0 && next() < 0.4 ? full.toUpperCase() : full,
        copy > 0 && next() < 0.2 ? '' : `${pick(streets)} ${street} ${number}`,
        city,
        copy > 0 && next() < 0.4 ? '' : phone,
        copy > 0 && next() < 0.4 ? '' : domain,
      ]
      truth.set(String(rows), company)
      await write(fields.join(','))
      rows++
    }
  }
  await new Promise((done) => out.end(done))
  run(`generated companies`, file, rows, truth, ['name', 'address', 'place', 'phone', 'domain'])
}

/** The whole, and each half by itself: whose truth falls on which side depends on its id alone. */
function halves(title, table, columns) {
  judge(title, table, columns)
  for (const [half, name] of ['  half tuned on', '  half held out'].entries())
    judge(
      name,
      table.filter(({ truth }) => sideOf(truth) === half),
      columns,
    )
}

function sideOf(truth) {
  let hash = 2166136261
  for (const letter of truth) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return (hash >>> 13) & 1
}

/** Wrong pairs of one house: number and street are the same in both rows, and only the label says otherwise. */
function ofOneHouse(placed, table) {
  const rows = new Map(table.map((row) => [row.id, { ...row, house: houseOf(row.address) }]))
  const clusters = grouped(placed)
  let [wrong, house] = [0, 0]
  for (const members of clusters.values()) {
    for (const [index, { id }] of members.entries()) {
      for (const other of members.slice(0, index)) {
        const [x, y] = [rows.get(id), rows.get(other.id)]
        if (x.truth === y.truth) continue
        wrong++
        if (x.house !== '' && x.house === y.house) house++
      }
    }
  }
  return `; of ${wrong} wrong pairs ${house} are of one house`
}

function grouped(placed) {
  const clusters = new Map()
  for (const row of placed) clusters.set(row.cluster, [...(clusters.get(row.cluster) ?? []), row])
  return clusters
}

/** House number and first word of the street. */
function houseOf(address) {
  const usual = /^(n|s|e|w|north|south|east|west|ave|avenue|st|street|blvd|rd|road|dr|pl|place)$/
  const words = address
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim()
    .split(' ')
  return words
    .filter((word) => word !== '' && !usual.test(word))
    .slice(0, 2)
    .join(' ')
}

function judge(title, table, columns) {
  const file = join(folder, 'set.csv')
  const quote = (text) => `"${String(text ?? '').replaceAll('"', '""')}"`
  writeFileSync(
    file,
    [
      ['id', ...columns].join(','),
      ...table.map((row) => ['id', ...columns].map((key) => quote(row[key])).join(',')),
    ].join('\n'),
  )
  const count = title.startsWith('chicago_sites, name address') ? (placed) => ofOneHouse(placed, table) : undefined
  run(title, file, table.length, new Map(table.map(({ id, truth }) => [id, truth])), columns, count)
}

function run(title, file, rows, truth, columns, also = () => '') {
  const flags = columns.flatMap((column) => [`--${column}`, column])
  const start = performance.now()
  const { stdout, stderr, status } = spawnSync(
    '/usr/bin/time',
    [
      '-f',
      'used %M KB %U s %S s',
      process.execPath,
      bin,
      'match',
      '--data',
      file,
      '--id',
      'id',
      ...flags,
      '--output',
      'json',
      '--threads',
      threads,
      '--project-dir',
      folder,
    ],
    { encoding: 'utf8', maxBuffer: 4 * 1024 ** 3 },
  )
  const seconds = (performance.now() - start) / 1000
  if (status !== 0) throw new Error(stderr)
  const placed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const { precision, recall } = judged(placed, truth)
  const f1 = (2 * precision * recall) / (precision + recall)
  const used = /used (\d+) KB ([\d.]+) s ([\d.]+) s/.exec(stderr)
  const processor = Number(used[2]) + Number(used[3])
  const compared = Number(/(\d+) pairs compared/.exec(stderr)[1])
  const sure = atPrecision(placed, truth, 0.99)
  console.log(
    `${pad(title, 34)}${pad(rows, 9)}${pad(precision.toFixed(4), 11)}${pad(recall.toFixed(4), 9)}${pad(f1.toFixed(4), 8)}${pad(seconds.toFixed(1), 7)}${Math.round(rows / seconds)} rows/s, ${(used[1] / 1024).toFixed(0)} MB, ${processor.toFixed(1)} s of processor, ${compared} pairs compared (${Math.round(compared / processor)} a second of processor, all steps); at 0.99: ${sure}${also(placed)}`,
  )
}

/** Pairs of rows in one cluster against pairs of one truth; rows less sure than `least` stand alone. */
function judged(placed, truth, least = 0) {
  const [clusters, truths, cells] = [new Map(), new Map(), new Map()]
  const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)
  for (const [row, { id, cluster, probability }] of placed.entries()) {
    add(truths, truth.get(id))
    const own = probability >= least ? cluster : `row ${row}`
    add(clusters, own)
    add(cells, `${own}\u0000${truth.get(id)}`)
  }
  const pairs = (map) => [...map.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0)
  const [right, found, wanted] = [pairs(cells), pairs(clusters), pairs(truths)]
  return { precision: right / found, recall: right / wanted }
}

/** The lowest probability of a row from which on that precision is reached, and the recall there. */
function atPrecision(placed, truth, wanted) {
  for (const least of [0, 0.92, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999]) {
    const { precision, recall } = judged(placed, truth, least)
    if (precision >= wanted)
      return `${precision.toFixed(4)} / ${recall.toFixed(4)}${least === 0 ? '' : ` (rows from ${least})`}`
  }
  return 'not reached'
}

/** A small CSV reader of the bench's own: the judge does not use what it judges. */
function records(file) {
  const text = readFileSync(file, 'utf8')
  const rows = []
  let row = []
  let field = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (quoted) {
      if (c === '"' && text[at + 1] === '"') field += text[at++]
      else if (c === '"') quoted = false
      else field += c
    } else if (c === '"') quoted = true
    else if (c === ',') {
      row.push(field)
      field = ''
    } else if (c === '\n') {
      rows.push([...row, field])
      row = []
      field = ''
    } else if (c !== '\r') field += c
  }
  const [header, ...rest] = rows
  const names = header.map((name) => name.replace('\uFEFF', '').trim())
  return rest
    .filter(({ length }) => length > 1)
    .map((values) => Object.fromEntries(names.map((name, index) => [name, (values[index] ?? '').trim()])))
}
