import { readFileSync } from 'node:fs';
import { ConfigurationError } from '../errors.ts';

/** Options of ours that name files, Node's options that get what is in them, and the settings that set them. */
const files = [
  ['caFile', 'ca', 'LOVAGE_TLS_CA_FILE'],
  ['certFile', 'cert', 'LOVAGE_TLS_CERT_FILE'],
  ['keyFile', 'key', 'LOVAGE_TLS_KEY_FILE'],
] as const;

/**
 * Node's TLS options for a client of a broker. Files are read for each new connection, so certificates may be renewed while workers
 * run; one that cannot be read any more leaves what was read last. The server is verified unless `rejectUnauthorized: false` is given:
 * NODE_TLS_REJECT_UNAUTHORIZED does not switch that off. Throws {@link ConfigurationError} for a file that cannot be read now.
 */
export function tlsOptions(given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const options: Record<string, unknown> = { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...given };
  for (const [field, name, environment] of files) {
    const path = given[field];
    delete options[field];
    if (path === undefined) continue;
    if (typeof path !== 'string') throw new ConfigurationError(`connection.${field}: expected a path`);
    let text = read(path, `connection.${field} (${environment})`);
    Object.defineProperty(options, name, {
      enumerable: true,
      get: () => {
        try {
          text = readFileSync(path, 'utf8');
        } catch {
          // it is being replaced, most likely
        }
        return text;
      },
    });
  }
  return options;
}

function read(path: string, where: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`${where}: cannot read "${path}": ${(error as Error).message}`, { cause: error });
  }
}

/** What OpenSSL and Node say, in their codes or, where a client has wrapped the error, in its text; what it means, and what to do. */
const problems: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [
    /ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)|alert (?:certificate required|handshake failure)/i,
    'the server wants a client certificate: set connection.certFile and connection.keyFile',
  ],
  [
    /SSLV?\d*_ALERT|TLSV?\d+_ALERT|alert (?:unknown ca|bad certificate|certificate)/i,
    'the server refused our client certificate: it is expired, or of an authority that the server does not know',
  ],
  [/CERT_HAS_EXPIRED|certificate has expired/i, 'its certificate has expired: renew it on the server'],
  [/CERT_NOT_YET_VALID|certificate is not yet valid/i, 'its certificate is not valid yet: look at both clocks'],
  [
    /DEPTH_ZERO_SELF_SIGNED_CERT|^self[- ]signed certificate$|Last error: self[- ]signed certificate$/i,
    'its certificate is self-signed: set connection.caFile to it, or have it signed by an authority',
  ],
  [
    /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY_LEAF|self[- ]signed certificate in|unable to (?:get .*issuer|verify the first)/i,
    'its certificate is signed by an authority that is not known here: set connection.caFile to the certificate of that authority',
  ],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/i,
    'its certificate is for another host: use a name of the certificate in the URL, or set connection.serverName',
  ],
  [
    /WRONG_VERSION_NUMBER|wrong version number|packet length too long|unknown protocol/i,
    'it does not speak TLS on this port: use the TLS port, or a URL without the s',
  ],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|unsupported protocol/i, 'it speaks no TLS of 1.2 or newer: upgrade it'],
  [/CERT_REVOKED|certificate revoked/i, 'its certificate was revoked: renew it on the server'],
  [/^(?:CERT_|ERR_SSL_|ERR_TLS_|ERR_OSSL_|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE)/, 'no TLS connection could be made'],
];

/** What is wrong with TLS, with what to do; undefined for an error of another kind. */
export function tlsProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '' } = error as { code?: unknown };
  const texts = [String(code), error.message];
  return problems.find(([pattern]) => texts.some((text) => pattern.test(text)))?.[1];
}
