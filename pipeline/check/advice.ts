import type { Problem } from '../errors.ts'
import type { Project } from '../load.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { placesOf } from '../warehouse/home.ts'
import { openPublished } from '../warehouse/published-file.ts'

/** Something that a room holds its files against, for `pipeline check`: what it says is a hint and never an error. */
export interface Advice {
  name: string
  tell(world: AdviceWorld): Promise<Problem[]>
}

export interface AdviceWorld {
  /** Every relation of the project with its columns and no rows. */
  shadow: Connection
  /** Marts and ops as last published, only for reading; absent where nothing was. */
  published: Connection | undefined
}

/** All hints of all rooms, in the order of the rooms. */
export async function adviceOf({ advice, root, config }: Project, shadow: Connection): Promise<Problem[]> {
  if (advice.length === 0) return []
  const published = await openPublished(placesOf(root, config.target).warehouse)
  try {
    const told: Problem[] = []
    for (const one of advice) told.push(...(await one.tell({ shadow, published: published?.connection })))
    return told
  } finally {
    published?.close()
  }
}
