import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Call, render, TemplateError } from '../../../pipeline/template.ts'

function calls(text: string): Call[] {
  const seen: Call[] = []
  render(text, (call) => {
    seen.push(call)
    return 'x'
  })
  return seen
}

describe('render', () => {
  it('replaces calls and keeps the rest as it is', () => {
    expect(render(`select * from {{ ref('a') }} where x = '{'\n`, ({ args }) => `m.${args[0]}`)).toBe(
      `select * from m.a where x = '{'`,
    )
  })

  it('reads literals, lists, dicts and keyword arguments', () => {
    const [call] = calls(
      `{{ config(materialized='table', tags=['a', "b"], meta={'n': 1, 'f': -2.5, 'on': True, 'off': false, 'no': none}) }}`,
    )
    expect(call!.kwargs).toEqual({
      materialized: 'table',
      tags: ['a', 'b'],
      meta: { n: 1, f: -2.5, on: true, off: false, no: null },
    })
  })

  it('keeps line numbers over comments and calls of several lines', () => {
    const sql = render(`{# two\nlines #}\nselect\n{{ ref(\n'a'\n) }}\n, 1`, () => 'a')
    expect(sql.split('\n')[6]).toBe(', 1')
    expect(calls(`\n\n{{ ref('b') }}`)[0]!.line).toBe(3)
  })

  it.each([
    ['{{ ref(a) }}', 1, `'a' is not a literal`],
    [`select 1\n{% if x %}`, 2, 'is not understood'],
    [`\n{{ ref('a' }}`, 2, 'expected , or )'],
    [`{{ ref('a') + 1 }}`, 1, 'expected }}'],
    [`{{ ref('a }}`, 1, 'not closed'],
    ['{# open', 1, 'not closed'],
    ['{{ target.name }}', 1, 'is not a call'],
  ])('refuses %j with its line', (text, line, message) => {
    const error = (() => {
      try {
        calls(text)
      } catch (thrown) {
        return thrown as TemplateError
      }
    })()
    expect(error).toBeInstanceOf(TemplateError)
    expect(error!.line).toBe(line)
    expect(error!.message).toContain(message)
  })

  it.each([
    ['{% if is_incremental() %}', true],
    ['{% if not is_incremental() %}', false],
    ['{%- if (is_incremental() and true) or false -%}', true],
    ['{% if not (is_incremental() or False) %}', false],
  ])('keeps the branch that holds: %s', (head, when) => {
    const text = `select\n${head}\nyes {{ this }}\n{% else %}\nno {{ ref('a') }}\n{% endif %}\nend`
    const resolve = ({ name }: Call) => name
    const at = (incremental: boolean) => render(text, resolve, () => incremental).split('\n')
    expect(at(when)).toEqual(['select', '', 'yes this', '', '', '', 'end'])
    expect(at(!when)).toEqual(['select', '', '', '', 'no ref', '', 'end'])
  })

  it('takes the first branch that holds, nested ones within it, and asks for nothing in the others', () => {
    const text = `{% if a() %}A{% elif b() %}{% if a() %}x{% else %}B{{ ref('b') }}{% endif %}{% elif b() %}C{% else %}{{ ref('d') }}{% endif %}`
    const asked: string[] = []
    const resolve = ({ args }: Call) => {
      asked.push(String(args[0]))
      return '!'
    }
    expect(render(text, resolve, ({ name }) => name === 'b')).toBe('B!')
    expect(asked).toEqual(['b'])
  })

  it.each([
    ['\n{% if a() %}', 2, '{% if %} is not closed'],
    ['{% endif %}', 1, 'stands without {% if %}'],
    ['{% if a() %}{% else %}\n{% elif a() %}{% endif %}', 2, 'comes after {% else %}'],
    ['{% if a() %}{% else %}{% else %}{% endif %}', 1, 'comes after {% else %}'],
    ['{% if a() b() %}{% endif %}', 1, 'expected %}'],
    ['{% if (a() %}{% endif %}', 1, 'expected )'],
    [`{% set x = 1 %}`, 1, 'the block {% set x = 1 %} is not understood'],
  ])('refuses the block %j with its line', (text, line, message) => {
    const thrown = (() => {
      try {
        render(
          text,
          () => '',
          () => true,
        )
        return undefined
      } catch (error) {
        return error as TemplateError
      }
    })()
    expect(thrown).toMatchObject({ line })
    expect(thrown!.message).toContain(message)
  })

  it('leaves text without templates alone, but for one trailing newline', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/\{[{%#]/.test(text)),
        (text) => {
          expect(render(text, () => 'never')).toBe(text.endsWith('\n') ? text.slice(0, -1) : text)
        },
      ),
    )
  })

  it('reads back any string it is given', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const quoted = text.replaceAll('\\', '\\\\').replaceAll(`'`, `\\'`)
        expect(calls(`{{ ref('${quoted}') }}`)[0]!.args).toEqual([text])
      }),
    )
  })
})
