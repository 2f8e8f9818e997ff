import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Answer } from './published-mock.ts'

interface Operation {
  responses: Record<string, { content?: Record<string, unknown> }>
}

export interface Document {
  paths: Record<string, Record<string, Operation>>
}

/** Holds what is answered against an OpenAPI document, and keeps which of its operations were answered with success. */
export class Described {
  readonly #document: Document
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false })
  readonly succeeded = new Set<string>()

  constructor(document: Document) {
    this.#document = document
    this.#ajv.addSchema({ ...document, $id: 'api' })
  }

  get operations(): string[] {
    return Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
  }

  /** What is wrong with an answer; empty when it is as described. */
  faults(method: string, path: string, { status, headers, body, text }: Answer): string[] {
    const found = this.#find(method.toLowerCase(), path.split('?')[0]!)
    if (found === undefined) return []
    const [template, operation] = found
    const code = operation.responses[String(status)] === undefined ? 'default' : String(status)
    const described = operation.responses[code]
    const name = `${method} ${template} ${status}`
    if (described === undefined) return [`${name}: this status is not described`]
    if (status < 300) this.succeeded.add(`${method} ${template}`)
    const type = (headers.get('content-type') ?? '').split(';')[0]!
    if (described.content?.[type] === undefined) return [`${name}: answers ${type}, which is not described`]
    if (!type.includes('json')) return []
    const pointed = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
    const at = ['paths', template, method.toLowerCase(), 'responses', code, 'content', type, 'schema'].map(pointed)
    const validate = this.#ajv.getSchema(`api#/${at.join('/')}`)
    if (validate === undefined) return [`${name}: no schema`]
    return validate(body) ? [] : [`${name}: ${this.#ajv.errorsText(validate.errors)} in ${text.slice(0, 200)}`]
  }

  /** A path without parameters before one with them. */
  #find(method: string, path: string): [string, Operation] | undefined {
    const all = Object.entries(this.#document.paths).flatMap(([template, methods]): [string, Operation][] => {
      const pattern = new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
      return methods[method] !== undefined && pattern.test(path) ? [[template, methods[method]]] : []
    })
    return all.find(([template]) => template === path) ?? all[0]
  }
}
