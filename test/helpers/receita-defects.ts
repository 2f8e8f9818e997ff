import { cnpjCheckDigits } from '../../ingest/cnpj.ts'

/** Text in a file of the official set that is wrong, odd, or looks wrong and is right. */
export interface Defect {
  table: 'Empresas' | 'Estabelecimentos' | 'Socios' | 'Simples'
  what: string
  /** As in the file, with its line end. */
  text: string
  /** Good rows in it. */
  rows: number
  /** Why its first line must be rejected. Absent: nothing of it may be. */
  reject?: RegExp
}

/** Roots of the companies behind the planted rows: no generated company has them. */
export const ODD_ROOT = 'ZZ000001'
export const MEI_ROOT = 'ZZ000002'
export const ODD_CNPJ = cnpjOf(ODD_ROOT, '0001')

export function cnpjOf(root: string, order: string): string {
  return root + order + cnpjCheckDigits(root + order)
}

export function line(...fields: string[]): string {
  return `${fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(';')}\n`
}

/** An establishment's row: active, SP, software, and what `other` says by place. */
export function establishment(cnpj: string, other: Record<number, string> = {}): string[] {
  const fields = Array.from({ length: 30 }, () => '')
  const given = {
    3: '1',
    5: '02',
    6: '20200131',
    7: '00',
    10: '20200131',
    11: '6201501',
    18: '01311902',
    19: 'SP',
    20: '7107',
  }
  Object.assign(fields, [cnpj.slice(0, 8), cnpj.slice(8, 12), cnpj.slice(12)], given, other)
  return fields
}

const branch = (order: string) => cnpjOf(ODD_ROOT, order)
const odd = (order: string, other: Record<number, string>) => line(...establishment(branch(order), other))
const good = odd('0099', {})

export const DEFECTS: readonly Defect[] = [
  {
    table: 'Estabelecimentos',
    what: 'separator, quotes and a line break inside quotes',
    rows: 1,
    text: odd('0001', { 4: 'LOJA; "A MELHOR"\r\nDO BAIRRO', 16: 'SALA 1\nFUNDOS' }),
  },
  {
    table: 'Estabelecimentos',
    what: 'wrong check digits',
    rows: 0,
    reject: /check digits/,
    text: line(
      ...establishment(`${branch('0002').slice(0, 12)}${(Number(branch('0002').slice(12)) + 1) % 100}`.padEnd(14, '0')),
    ),
  },
  {
    table: 'Estabelecimentos',
    what: 'a backslash before the closing quote',
    rows: 1,
    text: odd('0003', { 14: 'RUA A\\' }),
  },
  { table: 'Estabelecimentos', what: 'NUL bytes', rows: 1, text: odd('0004', { 4: 'NU\u0000LO\u0000' }) },
  {
    table: 'Estabelecimentos',
    what: 'a quote that is never closed',
    rows: 1,
    reject: /closing quote|quote inside/,
    text: `"ZZ000001";"0005";"00";"LOJA\n${good}`,
  },
  {
    table: 'Estabelecimentos',
    what: 'too few columns',
    rows: 0,
    reject: /29 columns where 30/,
    text: line(...establishment(branch('0006')).slice(1)),
  },
  { table: 'Estabelecimentos', what: 'CRLF among LF', rows: 1, text: odd('0007', {}).replace('\n', '\r\n') },
  {
    table: 'Estabelecimentos',
    what: 'fields without quotes',
    rows: 1,
    text: `${establishment(branch('0008')).join(';')}\n`,
  },
  { table: 'Estabelecimentos', what: 'CEP that lost its zero', rows: 1, text: odd('0009', { 18: '1311902' }) },
  {
    table: 'Estabelecimentos',
    what: 'absurd dates',
    rows: 1,
    text: odd('0010', { 6: '02020131', 10: '41000101', 29: '00000000' }),
  },
  {
    table: 'Estabelecimentos',
    what: 'dates that do not exist',
    rows: 1,
    text: odd('0011', { 6: '20210230', 10: '0' }),
  },
  {
    table: 'Estabelecimentos',
    what: 'abroad',
    rows: 1,
    text: odd('0012', { 8: 'MIAMI', 9: '249', 19: 'EX', 20: '9707' }),
  },
  {
    table: 'Estabelecimentos',
    what: 'the same key again',
    rows: 2,
    text: odd('0013', { 4: 'ANTES' }) + odd('0013', { 4: 'DEPOIS' }),
  },
  {
    table: 'Estabelecimentos',
    what: 'spaces upon spaces',
    rows: 1,
    text: odd('0014', { 4: '  LOJA   DO \t CENTRO  ' }),
  },
  {
    table: 'Estabelecimentos',
    what: 'no company behind it',
    rows: 1,
    text: line(...establishment(cnpjOf('ZZ000009', '0001'))),
  },
  {
    table: 'Estabelecimentos',
    what: 'of a one-person company',
    rows: 1,
    text: line(...establishment(cnpjOf(MEI_ROOT, '0001'))),
  },
  {
    table: 'Empresas',
    what: 'a CPF in the name',
    rows: 1,
    text: line(MEI_ROOT, 'EMPRESARIA DE TAL 12345678909', '2135', '50', '1.234,56', '01', ''),
  },
  {
    table: 'Empresas',
    what: 'capital that stands for none',
    rows: 1,
    text: line(ODD_ROOT, 'FORA DO COMUM LTDA', '2062', '49', '999999999999,00', '05', ''),
  },
  {
    table: 'Empresas',
    what: 'negative capital',
    rows: 1,
    text: line(ODD_ROOT, 'FORA DO COMUM LTDA', '2062', '49', '-1,00', '05', ''),
  },
  {
    table: 'Empresas',
    what: 'a root that is none, in a row with a CPF',
    rows: 0,
    reject: /cnpj_basico/,
    text: line('123', 'OUTRA DE TAL 12345678909', '2135', '50', '0,00', '01', ''),
  },
  {
    table: 'Empresas',
    what: 'no establishment',
    rows: 1,
    text: line('ZZ000008', 'SEM LOJA LTDA', '2062', '49', '0,00', '05', ''),
  },
  {
    table: 'Socios',
    what: 'nobody represents',
    rows: 1,
    text: line(ODD_ROOT, '2', 'SOCIA UM', '***220050**', '49', '20200131', '', '***000000**', '', '00', '5'),
  },
  {
    table: 'Socios',
    what: 'the same masked CPF again',
    rows: 1,
    text: line(ODD_ROOT, '2', 'SOCIO DOIS', '***220050**', '22', '20200131', '', '***000000**', '', '00', '4'),
  },
  {
    table: 'Socios',
    what: 'a CPF that is not masked',
    rows: 1,
    text: line(ODD_ROOT, '2', 'SOCIA TRES', '12345678909', '22', '20200131', '', '', '', '00', '4'),
  },
  { table: 'Simples', what: 'empty dates', rows: 1, text: line(ODD_ROOT, 'S', '20200131', '00000000', 'N', '0', '') },
]
