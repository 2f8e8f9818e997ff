import { describe, expect, it } from 'vitest'
import { excise, finderOf } from '../../../../pipeline/forget/excise.ts'
import { noNames } from '../../../../pipeline/forget/names.ts'

const names = noNames()
names.ids.add('con_0af1')
names.emails.add('joao.goncalves@acme.example')
names.profiles.add('in/joao-g-1')
names.words.add('joao goncalves')
names.records.add('mock/directory-0-7')
const finder = finderOf(names)
const left = (value: unknown, whole?: 'goes') => {
  const text = excise(typeof value === 'string' ? value : JSON.stringify(value), finder, whole)
  return text !== null && typeof value !== 'string' ? (JSON.parse(text) as unknown) : text
}

describe('a cell', () => {
  it.each([
    'joao.goncalves@acme.example',
    ' Joao.Goncalves+news@ACME.example ',
    'https://www.linkedin.com/in/joao-g-1/?trk=x',
    'João Gonçalves',
    'con_0af1',
    'directory-0-7',
  ])('that is theirs is emptied: %s', (text) => expect(left(text)).toBeNull())

  it.each([
    ['in/joao-g-1', '[erased]'],
    ['Call João Gonçalves (joao.goncalves@acme.example) soon', 'Call [erased] ([erased]) soon'],
    ['See https://br.linkedin.com/in/joao-g-1/ now', 'See [erased] now'],
    ['lead of con_0af1, and con_0af12', 'lead of [erased], and con_0af12'],
    ['JOAO GONCALVES says', '[erased] says'],
    ['João Gonçalvesson, xjoao.goncalves@acme.example', 'João Gonçalvesson, xjoao.goncalves@acme.example'],
    ['Joana at acme.example', 'Joana at acme.example'],
  ])('that names them among other words loses just that: %s', (text, after) => expect(left(text)).toBe(after))
})

describe('JSON', () => {
  it('loses the item that names them, whole, and no other; numbers stay as they are, digit by digit', () => {
    const text =
      '{"rows":[{"id":9007199254740993123,"email":"joao.goncalves@acme.example","title":"CTO"},{"id":12345678901234567890,"title":"CEO"}]}'
    expect(excise(text, finder)).toBe('{"rows":[{"id":12345678901234567890,"title":"CEO"}]}')
  })

  it('finds a name in two fields, behind escapes, and JSON within JSON', () => {
    expect(
      left({ people: [{ first_name: 'João', last_name: 'Gonçalves', phone: '1' }, { first_name: 'João' }] }),
    ).toEqual({
      people: [{ first_name: 'João' }],
    })
    expect(excise('{"a":["Jo\\u00e3o Gon\\u00e7alves","b"]}', finder)).toBe('{"a":["b"]}')
    expect(left({ inner: '[{"id":"directory-0-7"},{"id":"x"}]' })).toEqual({ inner: '[{"id":"x"}]' })
  })

  it('of a company that has their address for its own stays, without it', () => {
    const company = {
      cnpj: '1',
      email: 'joao.goncalves@acme.example',
      qsa: [{ nome: 'JOAO GONCALVES' }, { nome: 'ANA' }],
    }
    expect(left({ rows: [company] })).toEqual({ rows: [{ cnpj: '1', email: null, qsa: [{ nome: 'ANA' }] }] })
  })

  it('that is about them as a whole is emptied, or goes where that is wanted', () => {
    const whole = { by: 'email', value: 'joao.goncalves@acme.example', action: 'add' }
    expect(left(whole)).toEqual({ by: 'email', value: null, action: 'add' })
    expect(left(whole, 'goes')).toBeNull()
    expect(left({ entries: [{ value: 'joao.goncalves@acme.example' }, { value: 'x@y.zz' }] }, 'goes')).toEqual({
      entries: [{ value: 'x@y.zz' }],
    })
  })

  it('in which nothing is theirs is the same text, byte by byte', () => {
    const text = '{ "b" : 1.50, "a":[ "x" ] }'
    expect(excise(text, finder)).toBe(text)
  })
})
