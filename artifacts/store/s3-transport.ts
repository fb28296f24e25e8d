/** HTTP transport of the `minio` client: idle timeouts, body lengths, the store's clock, and signing by that clock. */
import * as http from 'node:http';
import * as https from 'node:https';
import { signV4 } from 'minio/dist/esm/signing.mjs';
import type { S3Settings } from './s3-settings.ts';
import type { StoreClock } from './store-clock.ts';

/** A server silent for this long is considered dead; the activity's retry then tries again. */
const idleTimeoutMs = 30_000;

/** Called with the length of every body sent or received, if known. */
export type OnTransfer = (direction: 'read' | 'write', byteLength: number) => void;

/** What the client passes: its own headers, in lower case. */
interface SignedOptions extends http.RequestOptions {
  readonly headers: http.OutgoingHttpHeaders;
}

export function s3Transport(settings: S3Settings, clock: StoreClock, onTransfer: OnTransfer): typeof http.request {
  const protocol = settings.endpoint.startsWith('https:') ? https : http;
  const request = (given: SignedOptions, onResponse: (response: http.IncomingMessage) => void) => {
    const options = clock.correctionMs === 0 ? given : signedAgain(given, settings, clock.correctionMs);
    const written = Number(options.headers['content-length'] ?? 0);
    if (written > 0) onTransfer('write', written);
    const sent = protocol.request({ ...options, timeout: idleTimeoutMs }, (response) => {
      clock.learn(response.headers.date);
      const read = Number(response.headers['content-length'] ?? 0);
      if (read > 0 && options.method === 'GET') onTransfer('read', read);
      onResponse(response);
    });
    // Node only reports the timeout; aborting the request is up to us.
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${String(idleTimeoutMs / 1000)} s`)));
    return sent;
  };
  return request as typeof http.request;
}

/** The client signs by this machine's clock and has no setting to change that. */
function signedAgain(options: SignedOptions, settings: S3Settings, correctionMs: number): SignedOptions {
  const { accessKey, secretKey, region } = settings;
  const date = new Date(Date.now() + correctionMs);
  const headers: http.OutgoingHttpHeaders = { ...options.headers };
  delete headers['authorization'];
  headers['x-amz-date'] = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const unsigned = { ...options, headers } as Parameters<typeof signV4>[0];
  const bodyDigest = String(headers['x-amz-content-sha256']);
  headers['authorization'] = signV4(unsigned, accessKey, secretKey, region, date, bodyDigest);
  return { ...options, headers };
}
