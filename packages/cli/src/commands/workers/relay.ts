import { type Command, textOption } from '../../command.ts';

/** `lovage relay`. */
export const relayCommand: Command = {
  usage: 'relay',
  describe: 'Hand what is committed to the outbox of a PostgreSQL to the broker; run as many as you like',
  options: {
    database: textOption('postgres://… of the database with the outbox (default: the backend)'),
    batch: textOption('Rows of one transaction (default: 500)'),
    loglevel: textOption('debug, info, warn, error or silent (default: info)', { alias: 'l' }),
    'log-format': textOption('pretty or json (default: pretty on a terminal)'),
  },
  examples: [['$0 relay --broker redis+streams://localhost --database postgres://app@db/shop', 'beside the workers']],
  run: async (given) => (await import('../../actions/workers/run-relay.ts')).runRelay(given),
};
