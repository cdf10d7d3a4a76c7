/** Stands before an address that is packed. */
const mark = '~';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const packed = /^~[A-Za-z0-9_-]{22}$/;

/** Processes that are answered at the same time are few: what was packed or unpacked once is kept. */
const mostKept = 1_000;
const known = new Map<string, string>();
const whole = new Map<string, string>();

/** An inbox's address in 23 characters where it is a UUID (36 characters, in every message): 13 bytes a message less. */
export function packAddress(address: string): string {
  if (!uuid.test(address)) return address;
  return keep(known, address, () => mark + Buffer.from(address.replaceAll('-', ''), 'hex').toString('base64url'));
}

/** Whether {@link unpackAddress} would change this address, so that it must be carried elsewhere. */
export function isPackedAddress(address: string): boolean {
  return packed.test(address);
}

/** Undoes {@link packAddress}; anything else stays what it is, for the parser to judge. */
export function unpackAddress(address: unknown): unknown {
  if (typeof address !== 'string' || !packed.test(address)) return address;
  return keep(whole, address, () => {
    const hex = Buffer.from(address.slice(1), 'base64url').toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  });
}

function keep(of: Map<string, string>, key: string, make: () => string): string {
  const kept = of.get(key);
  if (kept !== undefined) return kept;
  if (of.size >= mostKept) of.clear();
  const made = make();
  of.set(key, made);
  return made;
}
