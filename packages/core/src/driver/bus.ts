import type { JsonValue } from '../message/json.ts';
import type { Subscription } from './result-backend.ts';

/** Fire-and-forget messages between processes, for remote control and events: at most once, to whoever listens now. */
export interface Bus {
  /** Whether `publish` tells how many listeners it reached, in all processes. @default false */
  readonly counts?: boolean;
  publish(topic: string, message: JsonValue): Promise<number | undefined>;
  /** `pattern` is a topic, or one whose last part is `*` and stands for one or more parts. Parts are split by dots. */
  subscribe(pattern: string, listener: (message: JsonValue, topic: string) => void): Promise<Subscription>;
  close(): Promise<void>;
}
