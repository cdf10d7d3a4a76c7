import type { GrantedSlot } from '@lovage/core/driver';

/** Reads a grant: a fence, a blank, the group. Undefined where it is none. */
export function readGrant(text: string): GrantedSlot | undefined {
  const blank = text.indexOf(' ');
  const fence = Number(text.slice(0, blank));
  return blank > 0 && Number.isSafeInteger(fence) && fence > 0 ? { fence, group: text.slice(blank + 1) } : undefined;
}

/** As {@link readGrant}, of a job's hash: before it stands how often the job had been activated when it was granted. */
export function readJobGrant(text: string, activations: number): GrantedSlot | undefined {
  const blank = text.indexOf(' ');
  return Number(text.slice(0, blank)) + 1 === activations ? readGrant(text.slice(blank + 1)) : undefined;
}
