import type { LedgerTable } from '../pipeline/step.ts'

export const RECORDS: LedgerTable = {
  source: 'crm',
  table: 'records',
  description: 'Every record of every CRM as last pulled; one that is gone from there stays, with `deleted` true.',
  write: 'merge',
  key: ['crm', 'object', 'crm_id'],
  columns: {
    crm: 'VARCHAR',
    object: 'VARCHAR',
    crm_id: 'VARCHAR',
    record_id: 'VARCHAR',
    fields: 'JSON',
    modified_at: 'TIMESTAMP',
    deleted: 'BOOLEAN',
    kind: 'VARCHAR',
    facts: 'JSON',
    links: 'JSON',
    merged_into: 'VARCHAR',
    is_taken_up: 'BOOLEAN',
  },
  docs: {
    record_id: 'Our id, as stamped on the record; NULL on what others made.',
    fields: 'All its properties.',
    kind: 'What the object is to us: company, contact, deal, meeting, …',
    facts: 'What its properties mean, in our words, whatever they are called there.',
    links: 'The records it hangs on: a list of object and crm_id; NULL where it was not told.',
    merged_into: 'The record of the same object that it is part of since.',
    is_taken_up: 'A deal that we made, and whose stage people have changed since.',
  },
  pii: ['fields', 'facts'],
  about: {
    email: `case when kind = 'contact' then facts ->> '$.email' end`,
    cnpj: `case when kind = 'company' then facts ->> '$.cnpj' end`,
    domain: `case when kind = 'company' then facts ->> '$.domain' end`,
    brings: ["case when kind = 'contact' then record_id end"],
  },
}

/** How far each object of each CRM has been read. */
export const CURSORS: LedgerTable = {
  source: 'crm',
  table: 'cursors',
  description: 'Up to when the changes of each object of each CRM have been read.',
  write: 'merge',
  key: ['crm', 'object'],
  columns: { crm: 'VARCHAR', object: 'VARCHAR', account: 'VARCHAR', read_until: 'TIMESTAMP' },
  docs: { read_until: "The youngest change seen by a reading that came to its end, by the CRM's clock." },
}

/** Of each address by itself: what was said stays said when the record is deleted, gets another address, or its CRM is switched off. */
export const OPT_OUTS: LedgerTable = {
  source: 'crm',
  table: 'opt_outs',
  description: 'Who opted out of mail in a CRM, by address; taken back only where the same record says so.',
  write: 'merge',
  key: ['crm', 'object', 'crm_id', 'email'],
  columns: {
    crm: 'VARCHAR',
    object: 'VARCHAR',
    crm_id: 'VARCHAR',
    email: 'VARCHAR',
    record_id: 'VARCHAR',
    opted_out: 'BOOLEAN',
    said_at: 'TIMESTAMP',
  },
  docs: {
    email: "Lower case; '' for somebody without an address.",
    record_id: 'Our person, where the record bears our id.',
    said_at: "When the record was last changed, by the CRM's clock.",
  },
  pii: ['email'],
}

export const HOOKS: LedgerTable = {
  source: 'crm',
  table: 'hooks',
  description: 'Which messages of a CRM have been followed up: each record that they name was read.',
  write: 'append',
  key: ['message_id'],
  columns: { message_id: 'VARCHAR', crm: 'VARCHAR', events: 'INTEGER', records: 'INTEGER' },
  docs: {
    message_id: 'As it was taken in from `data/incoming/`.',
    events: 'How many it told; NULL where they could not be read.',
  },
}

export const OUTCOMES: LedgerTable = {
  source: 'sync',
  table: 'outcomes',
  description: 'What was last planned or done for each record of each CRM.',
  write: 'merge',
  key: ['crm', 'object', 'record_id'],
  columns: {
    sync_id: 'VARCHAR',
    object: 'VARCHAR',
    record_id: 'VARCHAR',
    crm: 'VARCHAR',
    crm_id: 'VARCHAR',
    operation: 'VARCHAR',
    status: 'VARCHAR',
    changed_fields: 'VARCHAR[]',
    written: 'JSON',
    intended: 'JSON',
    synced_at: 'TIMESTAMP',
    error: 'VARCHAR',
    code: 'VARCHAR',
    property: 'VARCHAR',
    refused: 'VARCHAR',
    created: 'BOOLEAN',
  },
  docs: {
    sync_id: 'Hash of CRM, object, record and what is written.',
    status: "'planned' | 'synced' | 'rejected'. A planned 'unchanged' is a plan that has nothing left to do.",
    written: 'The value of each property when we last wrote it.',
    intended: 'What was being written when the CRM was last asked, and what was there; NULL once its answer is known.',
    synced_at: 'NULL while planned.',
    error: 'Why the CRM refused it, in its own words; `code` and `property` are its, too.',
    refused: 'Hash of row, CRM and record as they were when it was refused: equal, it is not sent again.',
    created: 'We made the record; NULL or false: it was there before us.',
  },
  pii: ['written', 'intended'],
}

/** Append-only: what `sync undo` takes back, and the story of a record. */
export const WRITES: LedgerTable = {
  source: 'sync',
  table: 'writes',
  description: 'Everything that was ever written to a CRM: what it was, and what it became.',
  write: 'append',
  key: ['write_id'],
  columns: {
    write_id: 'VARCHAR',
    sync_id: 'VARCHAR',
    run_id: 'VARCHAR',
    crm: 'VARCHAR',
    object: 'VARCHAR',
    record_id: 'VARCHAR',
    crm_id: 'VARCHAR',
    operation: 'VARCHAR',
    before: 'JSON',
    after: 'JSON',
    written_at: 'TIMESTAMP',
  },
  docs: { before: 'What the fields held; NULL when the record was made.', after: 'What they were given.' },
  pii: ['before', 'after'],
}

export const LINKS: LedgerTable = {
  source: 'sync',
  table: 'links',
  description: 'What we hung on what in each CRM. What people change about it stays changed.',
  write: 'merge',
  key: ['crm', 'object', 'record_id', 'to_object', 'to_record_id'],
  columns: {
    crm: 'VARCHAR',
    object: 'VARCHAR',
    record_id: 'VARCHAR',
    to_object: 'VARCHAR',
    to_record_id: 'VARCHAR',
    from_id: 'VARCHAR',
    to_id: 'VARCHAR',
    status: 'VARCHAR',
    error: 'VARCHAR',
    code: 'VARCHAR',
    linked_at: 'TIMESTAMP',
  },
  docs: { status: "'synced' | 'rejected'. What is not known to have arrived has no row, and is done again." },
}

export const QUESTIONS: LedgerTable = {
  source: 'sync',
  table: 'questions',
  description: 'What only a person can tell: which record is meant, whose value stands.',
  write: 'merge',
  key: ['item_id'],
  columns: {
    item_id: 'VARCHAR',
    kind: 'VARCHAR',
    crm: 'VARCHAR',
    object: 'VARCHAR',
    record_id: 'VARCHAR',
    property: 'VARCHAR',
    ours: 'JSON',
    theirs: 'JSON',
    candidates: 'VARCHAR[]',
    is_open: 'BOOLEAN',
  },
  docs: {
    kind: "'crm_record' (several may be it) | 'crm_conflict' (somebody changed what we wrote).",
    is_open: 'False once the CRM or the data has settled it.',
  },
  pii: ['ours', 'theirs'],
}

export const OWNERS: LedgerTable = {
  source: 'sync',
  table: 'owners',
  description: 'Whose a company became when nobody in the CRM owned it: kept, so that it stays so.',
  write: 'append',
  key: ['company_id'],
  columns: { company_id: 'VARCHAR', owner: 'VARCHAR', because: 'VARCHAR' },
  docs: { owner: 'E-mail address.', because: "'territory' | 'round_robin'." },
  pii: ['owner'],
}

export const TABLES = [RECORDS, CURSORS, OPT_OUTS, HOOKS, OUTCOMES, WRITES, LINKS, QUESTIONS, OWNERS] as const
