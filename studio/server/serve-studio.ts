/**
 * The studio's server. It listens on loopback alone, and answers only requests that name it by a loopback name: a page
 * elsewhere on the web whose name leads here gets nothing. It changes nothing, unless it takes labels.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { MtrlError } from '../../core/errors.ts';
import { type Certificate, schemeOf, webServer } from '../../core/web-server.ts';
import type { Library } from '../library.ts';
import { pictureOf } from '../reading/picture.ts';
import { requiredText } from './asked.ts';
import { ProgressEvents } from './events.ts';
import { failureOf } from './failure.ts';
import { sendLabels, takeLabel } from './labelling.ts';
import { type PageFile, pageFiles } from './page.ts';
import { answerTo } from './routes.ts';

const host = '127.0.0.1';

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const;

export interface Studio {
  /** With the port, ending in `/`. */
  readonly address: string;
  close(): Promise<void>;
}

export interface StudioOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Who labels. Default: nobody, and nothing in the store changes. */
  readonly labeller?: string;
  /** Answers over https, if there is one. */
  readonly certificate?: Certificate;
}

interface Serving {
  readonly library: Library;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly events: ProgressEvents;
  readonly labeller: string | undefined;
}

/** Throws PORT_IN_USE. */
export async function serveStudio(library: Library, { port, labeller, certificate }: StudioOptions): Promise<Studio> {
  const serving: Serving = {
    library,
    files: new Map(Object.entries(await pageFiles())),
    events: new ProgressEvents(library.running),
    labeller,
  };
  const server = webServer(certificate, (request, response) => void respond(serving, request, response));
  await listen(server, port);
  const { port: actual } = server.address() as AddressInfo;
  return {
    address: `${schemeOf(certificate)}://${host}:${String(actual)}/`,
    async close() {
      serving.events.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen({ port, host });
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new MtrlError('PORT_IN_USE', 'the port of the studio is taken by another process', {
      ...{ where: `${host}:${String(port)}`, cause },
      hint: 'give another with --port',
    });
  }
}

async function respond(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  try {
    requireOwnName(request);
    await answer(serving, request, response);
  } catch (error) {
    const { status, body } = failureOf(error);
    if (response.headersSent) response.destroy();
    else sendJson(response, body, status);
  }
}

function requireOwnName({ headers: { host: named = '' } }: IncomingMessage): void {
  if (/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(named)) return;
  throw new MtrlError('USAGE', 'the studio answers only to its loopback address', {
    where: 'the header Host',
    found: named,
    hint: 'open http://127.0.0.1 with the port, through a tunnel if it runs elsewhere',
  });
}

async function answer(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { library, files, events, labeller } = serving;
  const { pathname, searchParams } = new URL(request.url ?? '/', `http://${host}`);
  const { method = 'GET' } = request;
  const [, first, second, id, last, ...rest] = pathname.split('/').map(decodeURIComponent);
  const isOfExperiment = first === 'api' && second === 'experiments' && id !== undefined && rest.length === 0;
  if (method === 'POST' && isOfExperiment && last === 'labels') {
    sendJson(response, await takeLabel(library, id, request, labeller));
    return;
  }
  if (method !== 'GET' && method !== 'HEAD') throw noSuch(`${method} ${pathname}`);
  if (pathname === '/api/settings') sendJson(response, labeller === undefined ? {} : { labeller });
  else if (pathname === '/api/events') {
    if (!events.listen(response)) {
      const tooMany = new MtrlError('USAGE', 'too many pages are open', { where: pathname, hint: 'close some' });
      sendJson(response, failureOf(tooMany).body, 503);
    }
  } else if (isOfExperiment && last === 'labels.jsonl')
    await sendLabels(library, id, requiredText(searchParams, 'task'), response);
  else if (first === 'pictures' && second !== undefined && id !== undefined && last === undefined) {
    const { bytes, contentType } = await pictureOf(library, second, id);
    send(response, bytes, { 'content-type': contentType, 'cache-control': 'private, max-age=31536000, immutable' });
  } else {
    const file = files.get(pathname === '/' ? 'index.html' : pathname.slice(1));
    if (file === undefined)
      sendJson(response, await (answerTo(library, pathname, searchParams, labeller) ?? none(pathname)));
    else send(response, file.content, { 'content-type': file.contentType, 'cache-control': 'no-cache' });
  }
}

function none(pathname: string): Promise<never> {
  return Promise.reject(noSuch(pathname));
}

function noSuch(where: string): MtrlError {
  return new MtrlError('NOT_FOUND', 'the studio has no such address', { where, hint: 'start at its first page, /' });
}

function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const type = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
  send(response, JSON.stringify(value), type, status);
}

function send(
  response: ServerResponse,
  content: string | Uint8Array,
  own: Readonly<Record<string, string>>,
  status = 200,
): void {
  response.writeHead(status, { ...own, 'content-length': Buffer.byteLength(content) });
  response.end(response.req.method === 'HEAD' ? undefined : content);
}
