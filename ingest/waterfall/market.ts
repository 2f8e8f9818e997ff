import type { Candidate } from './decide.ts'
import { isSettled, orderOf, type Place } from './order.ts'

/** What is known and what could still be asked, of one field of one company or person. */
export interface OpenField<Source> {
  field: string
  /** What was said so far, by whomever. */
  answers: { valid: boolean; value: string }[]
  /** Who could still be asked, in the order of the waterfall. */
  left: Place<Source>[]
  /** So many believable answers that agree settle it. */
  agree: number
  order: 'fixed' | 'learned'
}

/** A question to a source about a subject, and all the open fields that its answer would fill. */
export interface Question<Source> extends Candidate {
  source: Source
  fields: string[]
}

export function isOpen<Source>({ answers, agree, left }: OpenField<Source>): boolean {
  return left.length > 0 && !isSettled(answers, agree)
}

/**
 * The next question for each open field of a subject. A source that comes next for several is one question.
 * `lots`: draws how good each source may be, in place of what is expected.
 */
export function questionsOf<Source>(
  subject_id: string,
  fields: readonly OpenField<Source>[],
  factsOf: (field: string) => readonly string[],
  lots?: () => number,
): Question<Source>[] {
  const open = fields.filter(isOpen)
  const questions = new Map<Source, Question<Source>>()
  for (const { field, left, order } of open) {
    const { source, odds } = orderOf(left, order, lots)[0]!
    const same = questions.get(source)
    if (same !== undefined) continue
    const filled = open.filter((each) => each.left.some((place) => place.source === source)).map((each) => each.field)
    questions.set(source, { subject_id, field, fields: filled, facts: filled.map(factsOf), odds, source })
  }
  return [...questions.values()]
}
