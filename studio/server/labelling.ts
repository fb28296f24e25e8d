/** What a studio that takes labels answers beyond reading: a label, and the file of all labels. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import { MtrlError } from '../../core/errors.ts';
import type { GivenLabel } from '../api.ts';
import { exportedLabels } from '../labels/export-labels.ts';
import { giveLabel } from '../labels/give-label.ts';
import { queueOrders } from '../labels/person-label.ts';
import type { Library } from '../library.ts';

const bodyByteLengthMax = 64 << 10;

/** Throws USAGE for a body that is no label, and for one that a page elsewhere sent. */
export async function takeLabel(
  library: Library,
  experimentId: string,
  request: IncomingMessage,
  by: string | undefined,
) {
  if (by === undefined) {
    throw new MtrlError('USAGE', 'this studio takes no labels', {
      where: experimentId,
      hint: 'start it with `mtrl studio --label`',
    });
  }
  requireOwnPage(request);
  return giveLabel(library, experimentId, labelIn(await textOf(request)), by);
}

/** Browsers name the page that sends, and send JSON to other servers only if these allow it, which this one does not. */
function requireOwnPage({ headers, socket }: IncomingMessage): void {
  const { origin, host = '', 'content-type': type = '' } = headers;
  const scheme = socket instanceof TLSSocket ? 'https' : 'http';
  const isOwn = origin === undefined || origin === `${scheme}://${host}`;
  if (isOwn && type.startsWith('application/json')) return;
  throw new MtrlError('USAGE', 'labels come from pages of the studio, as JSON', {
    where: 'the headers Origin and Content-Type',
    found: `${origin ?? 'no origin'}, ${type === '' ? 'no type' : type}`,
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of request) {
    byteLength += (chunk as Uint8Array).byteLength;
    if (byteLength > bodyByteLengthMax)
      throw new MtrlError('USAGE', 'the body is too long', { found: `more than ${String(bodyByteLengthMax)} bytes` });
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function labelIn(text: string): GivenLabel {
  const value = parsed(text);
  const { task, exampleIndex, label, order, note } = value;
  const found = queueOrders.find((each) => each === order);
  const isIndex = typeof exampleIndex === 'number' && Number.isSafeInteger(exampleIndex) && exampleIndex >= 0;
  const isNote = note === undefined || typeof note === 'string';
  if (typeof task === 'string' && isIndex && typeof label === 'string' && found !== undefined && isNote)
    return { task, exampleIndex, label, order: found, ...(note !== undefined && { note }) };
  throw new MtrlError('USAGE', 'the body is no label', {
    found: text.slice(0, 200),
    hint: `an object with task, exampleIndex, label, order (${queueOrders.join(', ')}) and, if there is one, note`,
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Line by line, so that no length of the file is held in memory. */
export async function sendLabels(library: Library, experimentId: string, task: string, response: ServerResponse) {
  response.writeHead(200, {
    'content-type': 'application/x-ndjson',
    'content-disposition': 'attachment; filename="labels.jsonl"',
    'cache-control': 'no-store',
  });
  await pipeline(Readable.from(exportedLabels(library, experimentId, task)), response);
}
