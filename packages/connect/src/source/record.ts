/** A record as it lies in another system. */
export interface SourceRecord {
  /** Records of one partition keep their order. `''` where the system has none. */
  readonly partition: string;
  /** The offset, sequence or message id: what names the record within its partition, also when it is delivered again. */
  readonly position: string;
  /** False where the position is made up, because the system gave the record no name: it has another when it comes again. @default true */
  readonly named?: boolean;
  readonly key?: string | undefined;
  /** `null` for a record without a value (Kafka's tombstones). */
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
  /** When it was written, epoch ms. */
  readonly timestamp?: number | undefined;
}

/** A record whose value has been decoded, as `map`, `key` and `id` see it. */
export interface DecodedRecord<Value = unknown> extends Omit<SourceRecord, 'value' | 'named'> {
  /** The connector's name. */
  readonly source: string;
  readonly value: Value;
}

/** Turns the bytes of a value into what `map` gets; what it throws makes the record a dead letter. */
export type Decoder = (value: Uint8Array, record: SourceRecord) => unknown;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 text that is JSON. */
export const json: Decoder = (value) => JSON.parse(utf8.decode(value));
/** UTF-8 text. */
export const text: Decoder = (value) => utf8.decode(value);
/** Any bytes, as base64. */
export const base64: Decoder = (value) => Buffer.from(value).toString('base64');

/** Text where the bytes are UTF-8, else base64: for looking at. */
export function readableBytes(value: Uint8Array): { readonly text: string; readonly encoding: 'utf-8' | 'base64' } {
  try {
    return { text: utf8.decode(value), encoding: 'utf-8' };
  } catch {
    return { text: Buffer.from(value).toString('base64'), encoding: 'base64' };
  }
}
