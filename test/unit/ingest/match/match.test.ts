import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  explainNames,
  loadLexicon,
  type MatchedPair,
  type MatchedRow,
  type MatchWorld,
  matchFile,
  matchPairs,
} from '../../../../ingest/match/run-match.ts'
import { matchSchema } from '../../../../ingest/match/settings.ts'
import { codeRoot } from '../../../../pipeline/code-root.ts'
import { type Database, openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

let database: Database
let world: MatchWorld
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'match-'))
  database = await openDatabase({ threads: 2 })
  const connection = await database.connect()
  const lexicon = await loadLexicon(connection, join(codeRoot(), 'seeds'))
  world = { connection, lexicon, settings: matchSchema.parse({}) }
})
afterAll(() => {
  world.connection.close()
  database.close()
  rmSync(folder, { recursive: true })
})

async function pairs(text: string | Buffer): Promise<MatchedPair[]> {
  const file = join(folder, 'pairs.csv')
  writeFileSync(file, text)
  const rows: MatchedPair[] = []
  for await (const batch of matchPairs(world, file, 'left', 'right')) rows.push(...batch)
  return rows
}

async function resolve(text: string, columns: Record<string, string>): Promise<MatchedRow[]> {
  const file = join(folder, 'data.csv')
  writeFileSync(file, text)
  const rows: MatchedRow[] = []
  for await (const batch of matchFile(world, file, columns)) rows.push(...batch)
  return rows
}

test('legal forms of all countries, accents, scripts and initials do not tell names apart', async () => {
  const same = `Acme Comércio Ltda;ACME COMERCIO LTDA - ME
Deutsche Bank AG;Deutsche Bank Aktiengesellschaft
株式会社東京電力;東京電力（株）
บริษัท ปตท จำกัด (มหาชน);ปตท จำกัด
ООО «Газпром»;Gazprom LLC
삼성전자 주식회사;삼성전자(주)
Delta Airlines;Delta Air Lines Inc.
JPMorgan Chase & Co;J.P. Morgan Chase
International Business Machines;IBM
Volkswagen AG;Volkswagon`
  const rows = await pairs(`left;right\n${same}\n`)
  expect(rows.filter((row) => !row.same)).toEqual([])
  expect(rows).toHaveLength(10)
})

test('one ordinary word, another number or a trade in common is not one company', async () => {
  const rows = await pairs(`left,right
Delta Tecnologia Ltda,Delta Transportes Ltda
Global Services Inc,Global Trading Inc
Fund II LP,Fund III LP
Bank of America,Bank of Austria
Padaria São João Ltda,Padaria São José Ltda
Ford Motor Company,Ford Foundation
Alfa,Alpha
,Acme
`)
  expect(rows.filter(({ same }) => same).map(({ left }) => left)).toEqual([])
})

test('the evidence sums to the probability', async () => {
  for (const [left, right] of [
    ['Acme Robotics Ltda', 'ACME Robotics'],
    ['Delta', 'Delta Ltda'],
    ['Um', 'Dois'],
  ] as const) {
    const { probability, evidence } = await explainNames(world, left, right)
    const bits = evidence.reduce((sum, step) => sum + step.bits, 0)
    expect(probability).toBeCloseTo(1 / (1 + 2 ** -bits), 4)
  }
})

test('a table with defects loses no row: quotes never closed, line ends in fields, short rows, empty names', async () => {
  const rows = await resolve(
    'id;name;phone\r\n1;"Casa ""Bela"" Móveis Ltda";1130304040\n2;"Casa Bela\nMóveis";11 3030-4040\n3;Quitanda do "Zé";\n4\n5;;\n6;"never closed;1\n7;Outra Coisa;2\n',
    { id: 'id', name: 'name', phone: 'phone' },
  )
  expect(rows.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  expect(rows[1]!.cluster).toBe('1')
  expect(new Set(rows.map(({ cluster }) => cluster)).size).toBe(6)
})

test('Windows-1252 and UTF-16 are read as what they are', async () => {
  const [latin] = await pairs(Buffer.from('left,right\nConstruções Ávila,CONSTRUCOES AVILA\n', 'latin1'))
  const [wide] = await pairs(
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('left,right\n東京,大阪\n', 'utf16le')]),
  )
  expect(latin).toMatchObject({ left: 'Construções Ávila', same: true })
  expect(wide).toMatchObject({ left: '東京', right: '大阪', same: false })
})

test('what belongs together does not depend on the order of the rows', async () => {
  const names = ['Alvorada Móveis', 'Estrela Pães', 'Nordeste Cargas', 'Bela Vista Ótica', 'Delta', 'Rio Claro Tintas']
  const lines = names.flatMap((name, n) => [
    `${n}a,${name} Ltda,Rua das Flores ${n} Centro 01001${n}00,113030${n}040`,
    `${n}b,${name.toUpperCase()},R. das Flores ${n} Centro,113030${n}040`,
    `${n}c,${name.replace('e', '')} ME,Rua das Flores ${n} Centro 01001${n}00,`,
    `${n}d,${name} Dois,Av. Brasil ${n} Jardim 04004${n}00,`,
  ])
  const columns = { id: 'id', name: 'name', address: 'address', phone: 'phone' }
  const groupsOf = async (order: string[]) => {
    const groups = new Map<string, string[]>()
    for (const { id, cluster } of await resolve(['id,name,address,phone', ...order].join('\n'), columns))
      groups.set(cluster, [...(groups.get(cluster) ?? []), id!].sort())
    return [...groups.values()].map((group) => group.join(' ')).sort()
  }
  const found = await groupsOf(lines)
  expect(found.filter((group) => group.includes(' ')).length).toBeGreaterThanOrEqual(names.length - 1)
  expect(await groupsOf([...lines].reverse())).toEqual(found)
  expect(await groupsOf([...lines.slice(7), ...lines.slice(0, 7)])).toEqual(found)
})

test('a whole address outweighs a misspelt name, but tenants with other phones stay apart', async () => {
  const rows = await resolve(
    `id,name,address,phone
1,Quinn Musolino,42 Heckenberg Street Willetton Greenacre 6309 nsw,
2,Qinn Musolkno,42 Heckenberg Stret Willetton Greenacre 6309 nsw,
3,Padaria Aurora Ltda,Avenida Paulista 1000 Bela Vista São Paulo 01310100,1130304040
4,Clínica Veterinária Bicho Bom,Avenida Paulista 1000 Bela Vista São Paulo 01310100,1155556666
`,
    { id: 'id', name: 'name', address: 'address', phone: 'phone' },
  )
  expect(rows.map(({ cluster }) => cluster)).toEqual(['1', '1', '3', '4'])
})

test('two CNPJ roots are never one company, whatever else they share; again is the same again', async () => {
  const lines = [
    'a,Acme Robotics,11222333000181,acme.com.br,1130304040',
    'b,Acme Robotics Ltda,44555666000110,acme.com.br,1130304040',
    'c,ACME ROBOTICS,11222333000262,,1130304040',
    'd,Acme Robótics,,acme.com.br,1130304040',
    'e,Other Thing,,,',
  ]
  const header = 'id,name,cnpj,domain,phone'
  const columns = { id: 'id', name: 'name', cnpj: 'cnpj', domain: 'domain', phone: 'phone' }
  const found = async (order: string[]) => {
    const rows = await resolve([header, ...order].join('\n'), columns)
    const groups = new Map<string, string[]>()
    for (const { id, cluster } of rows) groups.set(cluster, [...(groups.get(cluster) ?? []), id!].sort())
    return [...groups.values()].map((group) => group.join('')).sort()
  }
  const first = await found(lines)
  expect(first.filter((group) => group.includes('a') && group.includes('b'))).toEqual([])
  expect(first.some((group) => group.includes('a') && group.includes('c'))).toBe(true)
  expect(first.filter((group) => group.includes('d')).map(({ length }) => length)).not.toEqual([1])
  expect(await found(lines)).toEqual(first)
})
