import type { Admin } from '@countersign/contract'
import type { Users } from '#auth'

type UserOperation = 'listUsers' | 'addUser' | 'linkUser' | 'disableUser' | 'removeUser'

/** What is done about accounts of people. */
export const userOperations = (users: Users): Pick<Admin, UserOperation> => ({
  listUsers: async () => [...(await users.list())],
  addUser: ({ name }) => users.add(name),
  linkUser: ({ name }) => users.link(name),
  disableUser: ({ name, isDisabled }) => users.disable(name, isDisabled ?? true),
  removeUser: ({ name }) => users.remove(name),
})
