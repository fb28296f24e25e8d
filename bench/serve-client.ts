/**
 * A client of `mtrl serve` that sends what it is told to, byte by byte if need be. Each request has a connection of its
 * own: one that the server closes while it is idle must not be taken for a lost request.
 */
import { request as httpRequest } from 'node:http';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';

export interface Answer {
  /** undefined: the connection ended without an answer. */
  readonly status: number | undefined;
  /** Of an answer with status 200. */
  readonly text: string;
}

export interface Sending {
  /** Pieces, sent one after the other. */
  readonly body: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly signal?: AbortSignal;
}

/** Resolves with the answer, which may come before the whole body is sent. */
export function send(url: string, { body, headers = {}, signal }: Sending): Promise<Answer> {
  return new Promise((resolve) => {
    const lost = (): void => resolve({ status: undefined, text: '' });
    const request = httpRequest(url, { method: 'POST', agent: false, headers, ...(signal && { signal }) });
    request.on('error', lost);
    request.once('response', (response) => {
      const { statusCode: status } = response;
      if (status === 200) void textOf(response).then((text) => resolve({ status, text }), lost);
      else {
        response.resume();
        resolve({ status, text: '' });
      }
    });
    // What the server does not read any more is not sent.
    pipeline(Readable.from(body), request).catch(() => undefined);
  });
}

/** Sends the beginning of a body, and leaves. */
export async function leaveInBody(address: string, path: string, headers: string): Promise<void> {
  const { hostname, port } = new URL(address);
  const socket = createConnection(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`POST ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\ncontent-length: 1000\r\n\r\n{"task":`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
}
