import { ConfigurationError } from '../errors.ts';

const longest = 200;

/** A topic's name: parts of letters, digits, `_` and `-`, split by dots. Throws {@link ConfigurationError}. */
export function topicName(name: unknown, where: string): string {
  const text = checkParts(name, where);
  if (!text.includes('*')) return text;
  throw new ConfigurationError(`${where}: "${text}" is a pattern: what is published has one topic, without "*"`);
}

/**
 * A pattern of topics: `*` in the place of a part stands for one part, as the last one for one or more. Throws
 * {@link ConfigurationError}.
 */
export function topicPattern(pattern: unknown, where: string): string {
  return checkParts(pattern, where);
}

/** Whether a topic fits a pattern. */
export function matchesTopic(pattern: string, topic: string): boolean {
  const wanted = pattern.split('.');
  const parts = topic.split('.');
  const open = wanted.at(-1) === '*';
  if (open ? parts.length < wanted.length : parts.length !== wanted.length) return false;
  return wanted.every((part, index) => part === '*' || part === parts[index]);
}

/** What the bus is asked for, whose patterns end in their only `*`: a little more than the pattern where it has others. */
export function busPatternOf(pattern: string): string {
  const star = pattern.indexOf('*');
  return star < 0 ? pattern : pattern.slice(0, star + 1);
}

function checkParts(given: unknown, where: string): string {
  if (typeof given !== 'string' || given === '') {
    throw new ConfigurationError(
      `${where}: expected a topic such as "order.created", received ${JSON.stringify(given)}`,
    );
  }
  if (given.length > longest) throw new ConfigurationError(`${where}: a topic has at most ${longest} characters`);
  for (const part of given.split('.')) checkPart(part, given, where);
  return given;
}

function checkPart(part: string, whole: string, where: string): void {
  if (part === '*' || /^[\w-]+$/.test(part)) return;
  if (part === '')
    throw new ConfigurationError(`${where}: "${whole}" has an empty part: parts are split by single dots`);
  const why = part.includes('*')
    ? `"*" stands for a whole part, as in "order.*": "${part}" mixes it with text`
    : `"${part}" cannot be a part: use letters, digits, "_" and "-"`;
  throw new ConfigurationError(`${where}: "${whole}": ${why}`);
}
