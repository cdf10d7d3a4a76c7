import { type Command, textOption } from '../command.ts';

/** `lovage acl`. */
export const aclCommand: Command = {
  usage: 'acl <role>',
  describe: "Print the broker's user with the least rights for a role; nothing is changed",
  positionals: {
    role: { type: 'string', describe: 'producer, worker, beat, monitor or operator' },
  },
  options: {
    queues: textOption("Only these queues, separated by commas; * stands for any text, as in 'mail-*' (default: all)", {
      alias: 'Q',
    }),
    user: textOption("The user's name (default: lovage-<role>)"),
  },
  examples: [
    ['$0 acl worker --queues mail,bills --broker redis://redis:6379/0', 'for redis-cli; put a password in'],
    ['$0 acl producer --prefix shop --broker redis+streams+cluster://redis:6379', 'of a prefix, on a cluster'],
    ['$0 acl monitor --json', 'statements and notes as JSON'],
  ],
  run: async (given) => (await import('../actions/print-access.ts')).printAccess(given),
};
