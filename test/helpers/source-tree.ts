import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** A TypeScript file of the project, parsed. */
export interface TsFile {
  /** Relative to the repository. */
  path: string
  lines: number
  source: ts.SourceFile
  imports: Import[]
}

export interface Import {
  line: number
  /** `pipeline/http.ts` for a relative import, else the package or `node:` module. */
  to: string
  package: boolean
}

/** Every file in git or about to be; outside of a clone (an unpacked archive), every file but what is made by running. */
export function projectFiles(): string[] {
  return listed()
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .sort()
}

function listed(): string[] {
  try {
    const words = ['ls-files', '-co', '--exclude-standard']
    return execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')
  } catch {
    return readdirSync(ROOT, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
      .filter((path) => !/^(node_modules|data|target)\//.test(path))
  }
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

export function parseTs(path: string): TsFile {
  const text = textOf(path)
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  return { path, lines: text.split('\n').length - 1, source, imports: importsOf(path, source) }
}

function importsOf(path: string, source: ts.SourceFile): Import[] {
  const imports: Import[] = []
  visit(source, (node) => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return
    const local = specifier.text.startsWith('.')
    const to = local ? posix.normalize(posix.join(posix.dirname(path), specifier.text)) : specifier.text
    imports.push({ line: lineOf(source, node), to, package: !local })
  })
  return imports
}

function specifierOf(node: ts.Node): ts.StringLiteral | undefined {
  const expression =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
        ? node.arguments[0]
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : undefined
  return expression !== undefined && ts.isStringLiteral(expression) ? expression : undefined
}

export function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => visit(child, look))
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

/** `path:line  text of the node`, for every node that `wanted` picks. */
export function findings(file: TsFile, wanted: (node: ts.Node) => boolean): string[] {
  const found: string[] = []
  visit(file.source, (node) => {
    if (wanted(node)) found.push(`${file.path}:${lineOf(file.source, node)}  ${node.getText(file.source).slice(0, 80)}`)
  })
  return found
}

/** The text of a string literal or of the fixed part of a template. */
export function literalText(node: ts.Node): string | undefined {
  const isText =
    ts.isStringLiteral(node) ||
    ts.isNoSubstitutionTemplateLiteral(node) ||
    ts.isTemplateHead(node) ||
    ts.isTemplateMiddle(node) ||
    ts.isTemplateTail(node)
  return isText ? node.text : undefined
}
