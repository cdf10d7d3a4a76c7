import type { Logger } from '../../logger.ts';

/** A logger that says nothing while `quiet()`: a replay has logged it all before. */
export function quietDuringReplay(logger: Logger, quiet: () => boolean): Logger {
  return {
    debug: (message, fields) => {
      if (!quiet()) logger.debug(message, fields);
    },
    info: (message, fields) => {
      if (!quiet()) logger.info(message, fields);
    },
    warn: (message, fields) => {
      if (!quiet()) logger.warn(message, fields);
    },
    error: (message, fields) => {
      if (!quiet()) logger.error(message, fields);
    },
    child: (fields) => quietDuringReplay(logger.child(fields), quiet),
  };
}
