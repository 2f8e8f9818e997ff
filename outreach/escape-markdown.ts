/** What others wrote, so that Markdown says it as it stands: no link, no emphasis, no heading of theirs. */
export function escapeMarkdown(value: string): string {
  return value
    .replaceAll(/[\\`*_[\]<>~|&!]/g, '\\$&')
    .replace(/^([#+=-])/, '\\$1')
    .replace(/^(\d+)([.)])/, '$1\\$2')
}
