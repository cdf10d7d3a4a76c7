import type { CallOptions } from '../producer/call-options.ts';

/** What the JSON of every canvas may hold. */
interface CanvasDataParts {
  readonly options?: CallOptions;
  readonly link?: readonly CanvasData[];
  readonly linkError?: readonly CanvasData[];
}

/** A task's signature as JSON: what `JSON.stringify(signature)` gives and `app.signature()` takes back. */
export interface SignatureData extends CanvasDataParts {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly immutable?: boolean;
  /** The arguments are a list of argument lists (`map`, `starmap`). */
  readonly each?: boolean;
}

/** A chain as JSON. */
export interface ChainData extends CanvasDataParts {
  readonly chain: readonly CanvasData[];
}

/** A group as JSON. */
export interface GroupData extends CanvasDataParts {
  readonly group: readonly CanvasData[];
}

/** A chord as JSON. */
export interface ChordData extends CanvasDataParts {
  readonly chord: readonly CanvasData[];
  readonly body: CanvasData;
}

/** A gate as JSON. */
export interface GateData extends CanvasDataParts {
  readonly gate: string;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly default?: unknown;
}

/** Any canvas as JSON. */
export type CanvasData = SignatureData | ChainData | GroupData | ChordData | GateData;
