import { type AccessGrant, type AccessRequest, passwordPlaceholder } from '@lovage/core/driver';
import { parseRedisUrl } from '../redis-url.ts';
import { commandsOf } from './commands.ts';
import { patternsOf } from './patterns.ts';

/**
 * The `ACL SETUSER` of a role. `streams`: of the Streams driver. What it may publish is a selector of its own, so that a worker may
 * listen to commands and send none. Throws {@link BrokerUrlError} for a URL that cannot be.
 */
export function redisAccess(url: string, request: AccessRequest, streams: boolean): AccessGrant {
  const target = parseRedisUrl(url);
  const { role, queues, prefix, user } = request;
  const { keys, hears, tells } = patternsOf({ role, queues, prefix, target, streams });
  const rules = [
    ...['reset', 'on', `>${passwordPlaceholder}`, 'resetchannels'],
    ...keys.map((pattern) => `~${pattern}`),
    ...hears.map((pattern) => `&${pattern}`),
    '-@all',
    ...commandsOf(role, target.kind === 'cluster').map((command) => `+${command}`),
    `(+publish ${tells.map((pattern) => `&${pattern}`).join(' ')})`,
  ];
  const statement = ['ACL', 'SETUSER', user, ...rules].map(quote).join(' ');
  return { statements: [statement], notes: notesOf(request, target.kind, hears) };
}

const everywhere: Readonly<Record<string, string>> = {
  cluster: 'Run it on every node of the cluster, replicas too.',
  sentinel: 'Run it on the master and on every replica; sentinels have users of their own.',
};

function notesOf({ role, queues }: AccessRequest, kind: string, hears: readonly string[]): readonly string[] {
  const topics = hears.find((pattern) => pattern.endsWith('bus:topic.*'));
  const notes = [
    'Redis 7 or newer, or Valkey: older ones know no selectors.',
    'Then run ACL SAVE (with aclfile) or CONFIG REWRITE, or the user is gone after a restart.',
    everywhere[kind],
    queues.length > 0
      ? 'Results, ordering keys, workflows and replies are shared by all queues of the prefix.'
      : undefined,
    role === 'worker' && queues.length > 0
      ? "A broadcast queue also needs its workers' own queues: --queues 'news,news@*'."
      : undefined,
    topics &&
      `app.subscribe() with a pattern such as order.* needs &${topics.slice(0, -1)}order.* as well: Redis compares patterns letter by letter.`,
  ];
  return notes.filter((note) => note !== undefined);
}

/** As redis-cli reads it. */
function quote(word: string): string {
  return /^[\w@:|~&*+<>{}.,%=/-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
}
