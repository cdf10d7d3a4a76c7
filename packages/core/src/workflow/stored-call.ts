import type { JsonValue } from '../message/json.ts';

/** How a run was called, as its header keeps it: what a retry, a fork and the next worker send it as. */
export interface StoredCall {
  readonly args?: readonly JsonValue[];
  readonly priority?: number;
  readonly headers?: Readonly<Record<string, JsonValue>>;
  readonly stamps?: Readonly<Record<string, JsonValue>>;
}

/** A call as JSON, `[args]` or `[args, rest]`: each open run holds one. */
export function writeCall({ args = [], priority = 0, headers = {}, stamps = {} }: StoredCall): string {
  const rest = {
    ...(priority === 0 ? {} : { priority }),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(Object.keys(stamps).length > 0 ? { stamps } : {}),
  };
  return JSON.stringify(Object.keys(rest).length > 0 ? [args, rest] : [args]);
}

/** A call that `writeCall` wrote. */
export function readCall(text: string): StoredCall & { readonly args: readonly JsonValue[] } {
  const [args = [], rest] = JSON.parse(text) as [args?: readonly JsonValue[], rest?: StoredCall];
  return { ...rest, args };
}
