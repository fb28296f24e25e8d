/**
 * A codec server: decrypts payloads for the Web UI and the `temporal` command, which send them here from the user's own
 * machine (Temporal's remote codec protocol: POST /encode and /decode with {"payloads": [...]} in JSON).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { describeError } from '../../core/errors.ts';
import { type Address, addressOf, type Env } from '../stack/env.ts';

export interface CodecServerOptions extends Address {
  readonly codec: PayloadCodec;
  /** Origin of the Web UI, the only page that may read answers. */
  readonly origin: string | undefined;
}

const usualAddress: Address = { host: '127.0.0.1', port: 8235 };

/** Where the codec server listens, and where the local Web UI expects it. Throws USAGE. */
export function codecAddressOf(env: Env): Address {
  return addressOf(env, 'MTRL_CODEC_ADDRESS') ?? usualAddress;
}

/** Temporal rejects larger messages. */
const bodyByteLengthMax = 16 << 20;

const wirePayload = z.object({ metadata: z.record(z.string(), z.string()).default({}), data: z.string().default('') });
const wire = z.object({ payloads: z.array(wirePayload) });
type WirePayload = z.infer<typeof wirePayload>;

/** Listens until it is closed. */
export async function startCodecServer({ host, port, codec, origin }: CodecServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, codec, origin).catch((error: unknown) => {
      response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(`${describeError(error)}\n`);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  codec: PayloadCodec,
  origin: string | undefined,
): Promise<void> {
  const end = (status: number, message: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
  };
  // Another site whose name was made to point here (DNS rebinding) names itself as the host.
  if (!isLoopback(request.headers.host)) {
    end(403, 'this server answers requests to 127.0.0.1 and localhost only');
    return;
  }
  const from = request.headers.origin;
  if (from !== undefined && from !== origin) {
    end(403, `pages of ${from} may not read payloads`);
    return;
  }
  if (from !== undefined) {
    response.setHeader('access-control-allow-origin', from);
    response.setHeader('access-control-allow-headers', 'content-type, x-namespace, authorization');
    response.setHeader('vary', 'origin');
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  // The Web UI adds a query (`?preserveStorageRefs=true`), which does not concern a codec without stored payloads.
  const verb = request.method === 'POST' ? /^\/(encode|decode)(?:\?|$)/.exec(request.url ?? '')?.[1] : undefined;
  if (verb === undefined) {
    end(404, 'POST /decode or /encode');
    return;
  }
  if (Number(request.headers['content-length'] ?? Infinity) > bodyByteLengthMax) {
    end(413, `a body has at most ${String(bodyByteLengthMax)} bytes and says how many`);
    return;
  }
  const { payloads } = wire.parse(JSON.parse(await text(request)));
  const changed = await codec[verb as 'encode' | 'decode'](payloads.map(fromWire));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ payloads: changed.map(toWire) }));
}

function isLoopback(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '');
}

function fromWire({ metadata, data }: WirePayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data, 'base64'),
  };
}

function toWire({ metadata, data }: Payload): WirePayload {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  };
}
