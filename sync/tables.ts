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
  },
  docs: { record_id: 'Our id, as stamped on the record; NULL on what others made.', fields: 'All its properties.' },
  pii: ['fields'],
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
  },
  docs: {
    sync_id: 'Hash of CRM, object, record and what is written.',
    status: "'planned' | 'synced' | 'rejected'. A planned 'unchanged' is a plan that has nothing left to do.",
    written: 'The value of each property when we last wrote it.',
    intended: 'What was being written when the CRM was last asked, and what was there; NULL once its answer is known.',
    synced_at: 'NULL while planned.',
  },
  pii: ['written', 'intended'],
}
