import zlib from 'node:zlib';
import { MalformedMessageError } from '@lovage/core/driver';

/** What a small message may blow up to, in bytes. */
const largest = 64 * 2 ** 20;

type Decompress = (data: Buffer) => Buffer;

/** Node has zstd from 22.15 on. */
const zstd = (zlib as unknown as { zstdDecompressSync?: (data: Buffer, options: object) => Buffer }).zstdDecompressSync;

const known: Readonly<Record<string, Decompress | undefined>> = {
  'application/x-gzip': (data) => zlib.inflateSync(data, { maxOutputLength: largest }), // kombu's gzip is zlib
  'application/x-brotli': (data) => zlib.brotliDecompressSync(data, { maxOutputLength: largest }),
  'application/zstd': zstd && ((data) => zstd(data, { maxOutputLength: largest })),
};

/** A body that was compressed as kombu's `compression` header says. Throws {@link MalformedMessageError}. */
export function decompress(body: Buffer, compression: string): Buffer {
  const work = Object.hasOwn(known, compression) ? known[compression] : undefined;
  if (!work) {
    throw new MalformedMessageError(
      `its body is compressed with ${compression}, which this worker cannot read: send it with compression="zlib", "brotli"${zstd ? ' or "zstd"' : ''}`,
    );
  }
  try {
    return work(body);
  } catch (error) {
    throw new MalformedMessageError(`its body says ${compression} and is not: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
