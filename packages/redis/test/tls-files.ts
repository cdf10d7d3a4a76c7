import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why certificates cannot be made; undefined when they can. With LOVAGE_REQUIRE_PARTS they must. */
export const noOpenssl: string | undefined =
  spawnSync('openssl', ['version']).status === 0 || process.env['LOVAGE_REQUIRE_PARTS']
    ? undefined
    : 'openssl is missing';

/** Certificates of a test, made by openssl in a folder of its own. */
export class TlsFiles {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'lovage-tls-'));

  constructor() {
    this.authority('ca');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** An authority `name.crt`. */
  authority(name: string): void {
    this.#openssl(['req', '-x509', '-newkey', ...curve, '-days', '30', '-subj', `/CN=${name}`, ...this.#out(name)]);
  }

  /** A certificate `name.crt` that signs itself. */
  selfSigned(name: string): void {
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=CA:FALSE'];
    this.#openssl([
      'req',
      '-x509',
      '-newkey',
      ...curve,
      '-days',
      '30',
      '-subj',
      '/CN=localhost',
      ...names,
      ...this.#out(name),
    ]);
  }

  /** A certificate `name.crt` of an authority. `days` below 0: expired. */
  signed(name: string, { by = 'ca', host = 'DNS:localhost,IP:127.0.0.1', days = 30 } = {}): void {
    this.#openssl([
      'req',
      '-newkey',
      ...curve,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      this.path(`${name}.key`),
      '-out',
      this.path(`${name}.csr`),
    ]);
    writeFileSync(this.path(`${name}.ext`), `subjectAltName=${host}\n`);
    const of = [
      '-CA',
      this.path(`${by}.crt`),
      '-CAkey',
      this.path(`${by}.key`),
      '-CAcreateserial',
      '-extfile',
      this.path(`${name}.ext`),
    ];
    this.#openssl([
      'x509',
      '-req',
      '-in',
      this.path(`${name}.csr`),
      ...of,
      '-days',
      String(days),
      '-out',
      this.path(`${name}.crt`),
    ]);
  }

  /** Settings of a redis-server that has this certificate and wants none of its clients, unless it `asks`. */
  server(name: string, { asks = false } = {}): Record<string, string> {
    return {
      'tls-cert-file': this.path(`${name}.crt`),
      'tls-key-file': this.path(`${name}.key`),
      'tls-ca-cert-file': this.path('ca.crt'),
      'tls-auth-clients': asks ? 'yes' : 'no',
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #out(name: string): readonly string[] {
    return ['-keyout', this.path(`${name}.key`), '-out', this.path(`${name}.crt`)];
  }

  #openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

/** Keys without a password that take no time to make. */
const curve = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
