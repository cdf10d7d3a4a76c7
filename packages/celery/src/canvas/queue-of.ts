import { type CelerySignature, textOption } from '../protocol/signature.ts';

/** Where a signature goes: the queue that its options name, its routing key, or the app's default queue. */
export function queueOf(signature: CelerySignature, fallback: string): string {
  return textOption(signature, 'queue') ?? textOption(signature, 'routing_key') ?? fallback;
}
