import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { yamlSchemas } from '../../../cli/yaml-schemas.ts'
import { projectFiles, ROOT, textOf } from '../../helpers/source-tree.ts'

const FOLDER = 'docs/schemas'
const ours = projectFiles().filter((path) =>
  /^(models|seeds|snapshots|analyses|scoring|outreach|sync|ingest)\/.*\.ya?ml$|^(pipeline\.yaml|selectors\.yml)$/.test(
    path,
  ),
)
const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats(ajv)
const validators = new Map<string, ValidateFunction>()

function errorsOf(kind: string, data: unknown): string[] {
  const validate = validators.get(kind) ?? ajv.compile(JSON.parse(yamlSchemas().get(kind)!) as object)
  validators.set(kind, validate)
  validate(data)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

function schemaOf(path: string): string {
  return /^# yaml-language-server: \$schema=(\S+)\n/.exec(textOf(path))?.[1] ?? 'none'
}

describe('JSON Schemas for editors', () => {
  it('are those of the program: after a change, npx pipeline docs schemas', () => {
    const written = readdirSync(join(ROOT, FOLDER)).map((name) => [
      name,
      readFileSync(join(ROOT, FOLDER, name), 'utf8'),
    ])
    expect(Object.fromEntries(written)).toEqual(Object.fromEntries(yamlSchemas()))
  })

  it('are named in the first line of every YAML file of ours', () => {
    expect(ours.length).toBeGreaterThan(50)
    const wrong = ours.filter((path) => {
      const named = schemaOf(path)
      const file = relative(ROOT, join(ROOT, dirname(path), named))
      return dirname(file) !== FOLDER || !yamlSchemas().has(basename(file)) || !named.startsWith('.')
    })
    expect(wrong).toEqual([])
  })

  it('hold for every one of those files', () => {
    const errors = ours.flatMap((path) =>
      errorsOf(basename(schemaOf(path)), parse(textOf(path))).map((error) => `${path} ${error}`),
    )
    expect(errors).toEqual([])
  })

  it('refuse what the program refuses', () => {
    expect(errorsOf('properties.json', { models: [{ name: 'a', colums: [] }] })).toEqual([
      '/models/0 must NOT have additional properties',
    ])
    expect(errorsOf('pipeline.json', { name: 'x', target: 'dev', targets: {}, modles: {} })).toEqual([
      ' must NOT have additional properties',
    ])
    expect(errorsOf('properties.json', { exposures: [{ name: 'a', type: 'poster', owner: {} }] })).toHaveLength(1)
  })
})
