/** `mtrl serve`: an HTTP server on one policy, from its start to the end of its drain. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { MtrlError } from '../core/errors.ts';
import { type Certificate, schemeOf, webServer } from '../core/web-server.ts';
import { createApp } from './app.ts';
import { AuditLog } from './audit-log.ts';
import { JoinedCalls } from './batching/joined-calls.ts';
import { Access } from './http/access.ts';
import { InFlight } from './http/in-flight.ts';
import { ServeMetrics } from './http/metrics.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { CurrentPolicy } from './policies/current-policy.ts';
import { type EngineSettings, openEngines } from './policies/open-engines.ts';
import { nobody, type ServedPolicy, servedPolicy, type Wanted } from './policies/served-policy.ts';
import { Tokens } from './tokens.ts';

export interface ServerOptions extends EngineSettings {
  /** What is to be served; asked again from time to time if it `mayChange`. */
  readonly find: () => Promise<Wanted>;
  readonly mayChange: boolean;
  /** Interval of looks at a promoted name. */
  readonly lookMs?: number;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Answers over https, if there is one. */
  readonly certificate?: Certificate;
  /** Folder of the token files. */
  readonly tokenFolder: string;
  /** Hosts from which pictures may be fetched. */
  readonly pictureHosts: readonly string[];
  /** Folder of the records of judgments; undefined for none. */
  readonly auditFolder?: string;
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
  const access = new Access(new Tokens(options.tokenFolder));
  if (!(await access.isGuarded()) && !loopback.test(options.host))
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
    const { find, mayChange, log, pictureHosts, auditFolder } = options;
    const current = await CurrentPolicy.open({
      ...{ find, log },
      bring: (wanted) => servedPolicy(engines.context, calls, wanted),
    });
    requireOwnCalibration(current.served);
    if (mayChange) current.watch(options.lookMs ?? lookMsDefault);
    const app = createApp({
      ...{ served: () => current.served, limits, access, pictureHosts, inFlight, metrics, log },
      ...(auditFolder !== undefined && { audit: new AuditLog(auditFolder) }),
    });
    const listener = getRequestListener(app.fetch);
    const server = webServer(options.certificate, (request, response) => void listener(request, response));
    // Node's own limits end what the application never sees: headers that never end, connections without a request.
    server.headersTimeout = limits.bodyTimeoutMs;
    server.requestTimeout = 2 * limits.bodyTimeoutMs;
    server.maxConnections = limits.connectionCountMax;
    await listening(server, options);
    return {
      address: `${schemeOf(options.certificate)}://${placeOf(server)}`,
      close: async () => {
        current.close();
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

/** A version that is promoted later may have none; requests that ask for it are then refused. Throws USAGE. */
function requireOwnCalibration({ calibration, checkpoint }: ServedPolicy): void {
  if (calibration === undefined || calibration.policy.sha256 === checkpoint.sha256) return;
  throw new MtrlError('USAGE', 'the calibration was fitted for another policy', {
    where: '--calibration',
    found: `fitted for ${calibration.policy.sha256}, where ${checkpoint.sha256} is served`,
    hint: 'fit one for this policy: `mtrl calibrate`',
  });
}

/** Interval of looks at a promoted name. */
const lookMsDefault = 5_000;
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

function placeOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
