/** `mtrl serve`: an HTTP server on one policy, from its start to the end of its drain. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { MtrlError } from '../core/errors.ts';
import { createApp } from './app.ts';
import { JoinedCalls } from './batching/joined-calls.ts';
import { InFlight } from './http/in-flight.ts';
import { ServeMetrics } from './http/metrics.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { type EngineSettings, openEngines } from './policies/open-engines.ts';
import { nobody, servedPolicy, type Wanted } from './policies/served-policy.ts';
import { Tokens } from './tokens.ts';

export interface ServerOptions extends EngineSettings {
  readonly wanted: Wanted;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Folder of the token files. */
  readonly tokenFolder: string;
  /** Hosts from which pictures may be fetched. */
  readonly pictureHosts: readonly string[];
  readonly limits?: Partial<Limits>;
}

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  readonly address: string;
  /** Refuses new requests, answers the others, and ends. */
  readonly close: () => Promise<void>;
}

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/;

/** Returns once requests are accepted. Throws USAGE, PORT_IN_USE, and what `servedPolicy` and `openEngines` throw. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const limits = { ...defaultLimits, ...options.limits };
  const tokens = new Tokens(options.tokenFolder);
  const isGuarded = !(await tokens.isEmpty());
  if (!isGuarded && !loopback.test(options.host))
    throw new MtrlError('USAGE', 'without tokens the server listens on this machine only', {
      ...{ where: '--host', found: options.host },
      hint: 'create one with `mtrl serve token add NAME`, or leave out --host',
    });
  const engines = await openEngines(options);
  try {
    const inFlight = new InFlight(limits);
    const calls = new JoinedCalls({
      callCountMax: engines.engineCount,
      withEngine: (policy, work) =>
        engines.context.states.withPolicy(nobody('ask'), { policy }, ({ engine }) => work(engine)),
      onCall: ({ requestCount, ms }) => metrics.called(requestCount, ms),
    });
    const metrics = new ServeMetrics({
      inFlightCount: () => inFlight.count,
      waitingCount: () => calls.waitingCount,
    });
    const served = await servedPolicy(engines.context, calls, options.wanted);
    const { log, pictureHosts } = options;
    const access = { tokens, isGuarded };
    const app = createApp({ served: () => served, limits, access, pictureHosts, inFlight, metrics, log });
    const listener = getRequestListener(app.fetch);
    const server = createServer((request, response) => void listener(request, response));
    // Node's own limits end what the application never sees: headers that never end, connections without a request.
    server.headersTimeout = limits.bodyTimeoutMs;
    server.requestTimeout = 2 * limits.bodyTimeoutMs;
    server.maxConnections = limits.connectionCountMax;
    await listening(server, options);
    return {
      address: addressOf(server),
      close: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        await inFlight.drain(limits.drainTimeoutMs);
        server.closeIdleConnections();
        await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, lastBytesMs))]);
        server.closeAllConnections();
        await engines.close();
      },
    };
  } catch (error) {
    await engines.close();
    throw error;
  }
}

/** Time for clients to read answers that are already written. */
const lastBytesMs = 2_000;

async function listening(server: Server, { host, port }: ServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') reject(error);
      else
        reject(
          new MtrlError('PORT_IN_USE', 'the server cannot listen there', {
            ...{ where: `--host ${host} --port ${port}`, found: error.code, hint: 'choose another --port' },
          }),
        );
    });
    server.listen(port, host, resolve);
  });
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
