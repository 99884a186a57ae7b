// A Postgres server of our own for the tests of one file, with databases for single stories.

import { after, before } from 'node:test'
import { connectPostgres, systemWorld, type PostgresLink } from '@countersign/engine'
import {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../../../test/records/postgres-server.ts'

export const found = findPostgres()

export interface TestServer {
  readonly server: () => RunningPostgres
  /** The address of a database that nobody else uses. */
  readonly database: () => Promise<string>
  readonly connect: (address: string) => Promise<PostgresLink>
}

/** Starts it before the tests of this file, and stops it after them. */
export function testServer(bin: string): TestServer {
  let server: RunningPostgres | undefined
  let count = 0
  const links: PostgresLink[] = []
  before(async () => {
    server = await startPostgres(bin)
  })
  after(async () => {
    await Promise.all(links.map((link) => link.close().catch(() => undefined)))
    await server?.stop()
  })
  const connect = async (connectionString: string): Promise<PostgresLink> => {
    const link = await connectPostgres({ connectionString }, systemWorld)
    links.push(link)
    return link
  }
  const there = (): RunningPostgres => {
    if (!server) throw new Error('not started')
    return server
  }
  return {
    server: there,
    connect,
    database: async () => {
      const { connectionString } = there()
      const name = `story_${String(++count)}`
      const link = await connect(connectionString)
      await link.query(`CREATE DATABASE ${name}`)
      return connectionString.replace('/postgres?', `/${name}?`)
    },
  }
}
