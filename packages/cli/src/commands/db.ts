import { type Command, type CommandFamily, switchOption } from '../command.ts';

const commands: readonly Command[] = [
  {
    usage: 'status',
    describe:
      'Print which version the tables of the stores are of; exit 1 when it is another one than this Lovage needs',
    examples: [['$0 db status --backend postgres://app@db/shop', 'before a deployment']],
    run: async (given) => (await import('../actions/schemas.ts')).showSchemas(given),
  },
  {
    usage: 'migrate',
    describe: 'Make the tables of the stores, or bring them to the version that this Lovage needs',
    options: { sql: switchOption('Print the statements that are missing, and run none') },
    examples: [
      ['$0 db migrate --backend postgres://owner@db/shop', 'once for each new version; harmless when repeated'],
      ['$0 db migrate --sql > lovage.sql', 'for an administrator of the database'],
    ],
    run: async (given) => (await import('../actions/schemas.ts')).migrateSchemas(given),
  },
];

/** `lovage db`. */
export const dbFamily: CommandFamily = {
  usage: 'db <command>',
  describe: 'Tables of PostgreSQL: status, migrate',
  commands,
};
