import type { ResultBackend } from '../driver/result-backend.ts';
import type { Message } from '../message/message.ts';

/**
 * How long a task stays revoked whose message may still be somewhere (running, or not sent yet), in milliseconds, whatever
 * `resultExpires` says.
 */
export const revokedTtl: number = 7 * 86_400_000;

/** Whether a message may outlast the record that revokes it: its id was chosen, so that it may have been revoked before. */
export function mayOutlastRevocation({ mayRepeat, eta }: Message, now: number): boolean {
  return eta !== undefined && mayRepeat === true && eta - now > revokedTtl / 2;
}

/** Keeps the revocations of messages that wait for long until those have been delivered. */
export async function keepRevoked(results: ResultBackend, messages: readonly Message[], now: number): Promise<void> {
  const records = await results.get(messages.map(({ id }) => id));
  const kept = messages.flatMap(({ eta = now }, index) => {
    const record = records[index];
    return record?.state === 'REVOKED' ? [{ record, ttl: eta - now + revokedTtl, stopsMessage: true }] : [];
  });
  if (kept.length > 0) await results.put(kept);
}
