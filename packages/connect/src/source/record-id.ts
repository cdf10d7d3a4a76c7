import { createHash } from 'node:crypto';

const longest = 200;

/**
 * Makes the task ids of one connector's records: name, partition and position, so that a record that is delivered again is the
 * same task. What a task id cannot hold becomes `-`, and a hash of the whole keeps such ids apart.
 */
export function recordIds(source: string, generation = 0): (partition: string, position: string) => string {
  const prefixes = new Map<string, string | undefined>();
  const suffix = generation === 0 ? '' : `~${generation}`;
  return (partition, position) => {
    let prefix = prefixes.get(partition);
    if (!prefixes.has(partition)) {
      const whole = partition === '' ? `${source}.` : `${source}.${partition}.`;
      prefix = isPlain(whole) ? whole : undefined;
      if (prefixes.size < 10_000) prefixes.set(partition, prefix);
    }
    if (prefix !== undefined && isPlain(position) && prefix.length + position.length + suffix.length <= longest) {
      return `${prefix}${position}${suffix}`;
    }
    return hashed([source, partition, position]) + suffix;
  };
}

const isPlain = (text: string): boolean => /^[\w.-]*$/.test(text);

function hashed(parts: readonly string[]): string {
  const readable = parts
    .filter((part) => part !== '')
    .map((part) => part.replace(/[^\w.-]/g, '-').slice(0, 48))
    .join('.');
  return `${readable}~${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)}`;
}
