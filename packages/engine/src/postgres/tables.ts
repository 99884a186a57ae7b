import { SQL_OPEN } from '../machine.ts'

/** The engine's tables in Postgres, as migration steps. Never edit one that was released; add. */
export const postgresTables = (schema: string): readonly string[] => [
  `CREATE TABLE ${schema}.tasks (
     id text COLLATE "C" PRIMARY KEY,
     kind text NOT NULL,
     version text NOT NULL,
     owner text NOT NULL,
     run text,
     key text,
     parent text,
     undoes text,
     input text NOT NULL,
     metadata text NOT NULL,
     state text NOT NULL,
     epoch bigint NOT NULL,
     worker text,
     due_at bigint,
     created_at bigint NOT NULL,
     updated_at bigint NOT NULL,
     expires_at bigint NOT NULL,
     deadline_at bigint,
     poll_ms bigint NOT NULL,
     status text,
     progress text,
     waits text,
     inbox bigint NOT NULL DEFAULT 0,
     result text,
     error text
   );
   CREATE INDEX tasks_due ON ${schema}.tasks (due_at, id) WHERE due_at IS NOT NULL;
   CREATE INDEX tasks_owner ON ${schema}.tasks (owner, created_at, id);
   CREATE INDEX tasks_open ON ${schema}.tasks (owner) WHERE state IN (${SQL_OPEN});
   CREATE UNIQUE INDEX tasks_key ON ${schema}.tasks (owner, key) WHERE key IS NOT NULL;
   CREATE INDEX tasks_run ON ${schema}.tasks (run, created_at, id) WHERE run IS NOT NULL;
   CREATE INDEX tasks_expiry ON ${schema}.tasks (expires_at);
   CREATE TABLE ${schema}.journal (
     task text NOT NULL,
     epoch bigint NOT NULL,
     seq bigint NOT NULL,
     at bigint NOT NULL,
     what text NOT NULL,
     kind text NOT NULL,
     call bigint NOT NULL,
     name text NOT NULL,
     body text NOT NULL,
     PRIMARY KEY (task, epoch, seq)
   );
   CREATE TABLE ${schema}.signals (
     task text NOT NULL,
     id text NOT NULL,
     seq bigint NOT NULL,
     at bigint NOT NULL,
     name text NOT NULL,
     payload text NOT NULL,
     delivered boolean NOT NULL DEFAULT false,
     PRIMARY KEY (task, id)
   );`,
]
