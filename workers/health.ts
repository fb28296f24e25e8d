/**
 * The two questions of an orchestrator. /livez: does the process still answer (else restart it). /readyz: does it take
 * work, that is, poll a Temporal that answers (else send nobody, wait). Nothing else is served.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { Address } from '../infra/stack/env.ts';

/** undefined when work is taken, else why not. */
export type Readiness = () => Promise<string | undefined>;

export async function serveHealth({ host, port }: Address, notReady: Readiness): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '', notReady).then(([status, text]) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  // Questions must not keep an ending process alive.
  server.unref();
  return server;
}

async function answer(url: string, notReady: Readiness): Promise<[status: number, text: string]> {
  if (url === '/livez') return [200, 'alive'];
  if (url !== '/readyz') return [404, 'request /livez or /readyz'];
  const reason = await notReady().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  return reason === undefined ? [200, 'ready'] : [503, reason];
}
