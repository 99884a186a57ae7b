/** A Postgres server of a test's own, for the tests of every workspace. */
export {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../packages/engine/test/stores/start-postgres.ts'
