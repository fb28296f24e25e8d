/**
 * Health endpoints for an orchestrator. /livez: the process responds (otherwise restart it). /readyz: the worker takes
 * tasks, that is, it polls a Temporal server that responds (otherwise wait). Nothing else is served.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { Address } from '../infra/stack/env.ts';

/** Resolves to undefined if the worker takes tasks, else to the reason why not. */
export type Readiness = () => Promise<string | undefined>;

export async function serveHealth({ host, port }: Address, notReady: Readiness): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '', notReady).then(([status, text]) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  // The server must not keep a stopping process alive.
  server.unref();
  return server;
}

async function answer(url: string, notReady: Readiness): Promise<[status: number, text: string]> {
  if (url === '/livez') return [200, 'alive'];
  if (url !== '/readyz') return [404, 'request /livez or /readyz'];
  const reason = await notReady().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  return reason === undefined ? [200, 'ready'] : [503, reason];
}
