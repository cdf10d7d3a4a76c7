import {
  decodeRecord,
  encodeRecord,
  finalRecordPrefix,
  malformedField,
  type OutcomeRecord,
  type OutcomeWrite,
  type ResultNotification,
} from '@lovage/core/driver';
import type { Keys } from '../keys.ts';

/** How the ring of a record begins that is too big to be carried. */
const bareNotification = '{"ring":';

/** An outcome as the arguments that both store scripts share: record, ttl, channel, bare ring. */
export function recordArguments(write: OutcomeWrite, keys: Keys): (string | number)[] {
  const ttl = String(Math.max(1, Math.floor(write.ttl)));
  const text = encodeRecord(write.record, write.valueText);
  if (write.replyTo === undefined) return [text, ttl, '', ''];
  return [text, ttl, keys.inbox(write.replyTo), `${bareNotification}${JSON.stringify(write.record.id)}}`];
}

/** How the record of a group's member begins, and what it holds. */
const finalId = `${finalRecordPrefix}"id":"`;
const memberMark = '"canvas":{"join":';
const memberPlace = /\.\d+$/;

/**
 * The text without records of members that nobody wants: reading those of a chord took its producer more than sending them.
 * Members leave their worker in messages of their own, so the first line tells whether to look at all.
 */
export function withoutMembers(text: string, wants: (id: string) => boolean): string {
  const end = text.indexOf('\n');
  if (!isUnwanted(end === -1 ? text : text.slice(0, end), wants)) return text;
  return text
    .split('\n')
    .filter((line) => !isUnwanted(line, wants))
    .join('\n');
}

function isUnwanted(line: string, wants: (id: string) => boolean): boolean {
  if (!line.startsWith(finalId)) return false;
  const id = line.slice(finalId.length, line.indexOf('"', finalId.length));
  return memberPlace.test(id) && line.includes(memberMark) && !wants(id);
}

/** The rings of a text heard at an inbox, one a line: the Streams driver sends many in one message. */
export function parseNotifications(text: string): readonly ResultNotification[] {
  if (text.includes('\n')) {
    try {
      return parseTogether(text);
    } catch {
      // a line of it is foreign
    }
  }
  return text.split('\n').flatMap((line) => parseNotification(line) ?? []);
}

/** As one list of JSON, which takes two thirds of the time that parsing each does. Throws when that is not what it is. */
function parseTogether(text: string): readonly ResultNotification[] {
  const list = `\n${text}`.replaceAll(`\n${finalRecordPrefix}`, '\n{').slice(1).replaceAll('\n', ',');
  const notifications: ResultNotification[] = [];
  for (const record of JSON.parse(`[${list}]`) as OutcomeRecord[]) {
    if (typeof record.id !== 'string' || typeof record.state !== 'string' || malformedField(record))
      throw new TypeError('not a record');
    notifications.push({ id: record.id, record });
  }
  return notifications;
}

/** The ring of a text heard at an inbox; undefined for foreign bytes. */
export function parseNotification(text: string): ResultNotification | undefined {
  if (text.startsWith(bareNotification)) {
    const id = readBare(text);
    return id === undefined ? undefined : { id };
  }
  const record = decodeRecord(text);
  return record && { id: record.id, record };
}

function readBare(text: string): string | undefined {
  try {
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return typeof fields['ring'] === 'string' && Object.keys(fields).length === 1 ? fields['ring'] : undefined;
  } catch {
    return undefined;
  }
}
