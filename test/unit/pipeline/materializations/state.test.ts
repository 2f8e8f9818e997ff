import { describe, expect, it } from 'vitest'
import { compare } from '../../../../pipeline/state/compare.ts'
import { fingerprintsOf } from '../../../../pipeline/state/fingerprint.ts'
import { load, projectFolder } from '../../../helpers/project.ts'

const graphOf = async (branch: string) => {
  const sql = `{{ config(materialized='incremental') }}select 1 as id {% if is_incremental() %} ${branch} {% endif %}`
  return (await load(projectFolder({ 'models/marts/m.sql': sql }))).graph
}

describe('state:modified', () => {
  it.each([
    ['where id > 1', 'where id > 2', ['body']],
    ['where id > 1', 'where  id >\t1', []],
    ['where id > 1', '', ['body']],
  ])('of a model whose added part was %j and is %j', async (before, after, aspects) => {
    const [old, now] = [await graphOf(before), await graphOf(after)]
    const print = (graph: typeof now) => fingerprintsOf(graph, () => '')
    const changes = await compare(now, print(now), { name: 'before', prints: print(old) }, async (texts) =>
      texts.map(() => undefined),
    )
    expect([...(changes.changesOf('model.demo.m') ?? [])]).toEqual(aspects)
  })
})
