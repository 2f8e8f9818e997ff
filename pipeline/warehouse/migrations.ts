/**
 * The ledger's own tables, schema `log`. Migrations go forward only, one entry per schema version, and are applied
 * in order after a copy of the file was made. An entry that has been released is never edited.
 */
export const MIGRATIONS: readonly string[] = [
  `
  create schema if not exists _ledger.log;
  create schema if not exists _ledger.raw;
  create table _ledger.log.info (
    ledger_id varchar not null, schema_version integer not null, generation bigint not null, created_at timestamp not null
  );
  create table _ledger.log.runs (
    run_id varchar primary key, seq bigint not null, command varchar not null, call varchar not null, target varchar not null,
    as_of date not null, git_commit varchar, started_at timestamp not null, ended_at timestamp,
    status varchar, exit_code integer, summary json
  );
  create table _ledger.log.loads (
    load_id bigint primary key, source varchar not null, table_name varchar not null, run_id varchar not null,
    row_count bigint not null, fetched_at timestamp not null
  );
  create table _ledger.log.calls (
    call_id varchar primary key, run_id varchar not null, service varchar not null, endpoint varchar not null,
    request_hash varchar not null, field varchar, company_id varchar, lead_id varchar, status integer,
    credits decimal(18, 4), usd decimal(18, 6), hit boolean, cached boolean, requested_at timestamp not null
  );
  create table _ledger.log.answers (
    request_hash varchar not null, call_id varchar not null, status integer not null, headers json, body varchar,
    fetched_at timestamp not null
  );
  create table _ledger.log.steps (
    step varchar primary key, fingerprint varchar not null, run_id varchar not null
  );
  create table _ledger.log.incoming (
    id varchar primary key, kind varchar not null, "at" timestamp not null, body json, run_id varchar not null
  );
  create table _ledger.log.rejects (
    run_id varchar not null, source varchar not null, file varchar not null, line bigint, reason varchar not null,
    content varchar
  );
  create table _ledger.log.lake (
    source varchar not null, table_name varchar not null, snapshot varchar not null, filter varchar not null,
    row_count bigint not null, files json not null, run_id varchar not null, load_id bigint not null,
    fetched_at timestamp not null
  );
  `,
  `
  create table _ledger.log.intents (
    call_id varchar primary key, run_id varchar not null, service varchar not null, endpoint varchar not null,
    request_hash varchar not null, field varchar, company_id varchar, lead_id varchar,
    credits decimal(18, 4) not null, usd decimal(18, 6) not null, requested_at timestamp not null
  );
  `,
  `
  create table _ledger.log.forgotten (kind varchar not null, mark varchar not null, forgotten_at timestamp not null, reason varchar);
  create table _ledger.log.forget_key ("inner" varchar not null, "outer" varchar not null);
  `,
]

/** Which of the ledger's own tables SQL may read, with the column that says when a row became known. */
export const READABLE: Record<string, { known_at: string; columns: string }> = {
  runs: {
    known_at: 'cast(as_of as timestamp)',
    columns: `run_id, seq, command, target, as_of, coalesce(status, 'success') as status`,
  },
  loads: { known_at: 'fetched_at', columns: '*' },
  calls: { known_at: 'requested_at', columns: '*' },
  incoming: { known_at: '"at"', columns: 'id, kind, "at", body, run_id' },
  rejects: { known_at: `timestamp '1970-01-01'`, columns: 'run_id, source, file, line, reason' },
}
