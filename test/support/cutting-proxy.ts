/**
 * A real HTTP proxy in front of a real server: it can truncate the bodies of chosen answers and omit their length, as a
 * bad proxy does.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CuttingProxy {
  readonly endpoint: string;
  /** Truncates the next `count` answers with a body in the middle. */
  cutNext(count: number): void;
  cutCount(): number;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const url = new URL(target);
  let left = 0;
  let cutCount = 0;
  const server = createServer((asked, answer) => {
    const { method, headers, url: path } = asked;
    const sent = request({ host: url.hostname, port: url.port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        const isCut = left > 0 && method === 'GET' && body.length > 1;
        if (isCut) {
          left--;
          cutCount++;
        }
        const { 'content-length': _, ...kept } = response.headers;
        answer.writeHead(response.statusCode ?? 502, method === 'GET' ? kept : response.headers);
        answer.end(isCut ? body.subarray(0, body.length - 1 - cutCount) : body);
      });
    });
    asked.pipe(sent);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    cutNext: (count) => (left = count),
    cutCount: () => cutCount,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
