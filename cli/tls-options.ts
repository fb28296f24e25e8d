/** The options by which `serve` and `studio` answer behind TLS. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Command } from 'commander';
import { MtrlError } from '../core/errors.ts';
import type { Certificate } from '../core/web-server.ts';
import { userPath } from './user-path.ts';

export interface TlsOptions {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
}

export function addTlsOptions(command: Command): Command {
  return command
    .option('--tls-cert <file>', 'answer over https with this certificate (PEM), followed by intermediate ones')
    .option('--tls-key <file>', 'the private key of the certificate (PEM)')
    .option('--tls-client-ca <file>', 'answer only clients with a certificate of this authority (PEM)');
}

/** Undefined without the options. Throws USAGE naming the option. */
export function certificateOf({ tlsCert, tlsKey, tlsClientCa }: TlsOptions): Certificate | undefined {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new MtrlError('USAGE', 'TLS needs a certificate and its key', {
      where: tlsCert === undefined ? '--tls-cert' : '--tls-key',
      found: 'nothing',
      hint: 'give --tls-cert and --tls-key, and --tls-client-ca to require certificates of clients',
    });
  }
  const [cert, key] = [fileOf(tlsCert, '--tls-cert'), fileOf(tlsKey, '--tls-key')];
  const clientCa = tlsClientCa === undefined ? undefined : fileOf(tlsClientCa, '--tls-client-ca');
  try {
    createSecureContext({ cert, key, ca: clientCa });
  } catch (cause) {
    throw new MtrlError('USAGE', 'the certificate cannot be used', {
      where: [tlsCert, tlsKey, tlsClientCa].filter((path) => path !== undefined).join(', '),
      found: cause instanceof Error ? cause.message : String(cause),
      hint: 'the files are in PEM, and the key is that of the first certificate',
      cause,
    });
  }
  return { cert, key, ...(clientCa && { clientCa }) };
}

function fileOf(path: string, option: string): Buffer {
  try {
    return readFileSync(userPath(path));
  } catch (cause) {
    const found = `${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`;
    throw new MtrlError('USAGE', 'a file for TLS cannot be read', { where: option, found, cause });
  }
}
