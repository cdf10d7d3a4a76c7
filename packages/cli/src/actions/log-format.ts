import { usageError } from '../exit-code.ts';
import type { LogFormat } from '../output/pino-logger.ts';

/** How log lines are written: as asked for, else for people on a terminal and for machines elsewhere. */
export function readLogFormat(given: { readonly logFormat?: string; readonly json?: boolean }): LogFormat {
  const asked = given.logFormat ?? (process.env['LOVAGE_LOG_FORMAT'] || undefined);
  if (asked === undefined) return process.stderr.isTTY && !given.json ? 'pretty' : 'json';
  if (asked === 'pretty' || asked === 'json') return asked;
  const where = given.logFormat === undefined ? 'LOVAGE_LOG_FORMAT' : '--log-format';
  throw usageError(`${where}: expected "pretty" or "json", received "${asked}"`);
}
