import type { Asking, Subject } from './fields.ts'

/** Subjects that one call of a resource is about, at most. */
export function batchSize({ batch, batch_of }: Pick<Asking, 'batch' | 'batch_of'>, settings: unknown): number {
  return batch_of?.(settings) ?? batch ?? 1
}

/** Subjects in batches, in their order; those of a batch have in common what the resource wants. */
export function batchesOf(
  subjects: readonly Subject[],
  resource: Pick<Asking, 'batch' | 'batch_of' | 'batch_by'>,
  settings: unknown,
): Subject[][] {
  const { batch_by } = resource
  const groups = new Map<string, Subject[]>()
  for (const subject of subjects) {
    const name = batch_by === undefined ? '' : (subject[batch_by] ?? subject.subject_id)
    const own = groups.get(name)
    if (own === undefined) groups.set(name, [subject])
    else own.push(subject)
  }
  const size = batchSize(resource, settings)
  return [...groups.values()].flatMap((own) =>
    Array.from({ length: Math.ceil(own.length / size) }, (_, at) => own.slice(at * size, (at + 1) * size)),
  )
}
