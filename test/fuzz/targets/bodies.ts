/** Bodies of requests to a server on the demo's model. A status of 500 is a crash. */
import fc from 'fast-check';
import type { Json } from '../../../core/json.ts';
import { demoServer, judgeRow, worldRows } from '../../serve/demo-server.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearJsonText, nearText } from '../near-json.ts';

const types = ['application/json', 'application/json; charset=utf-8', 'text/plain', ''];

export const openBodies: OpenFuzzTarget = async () => {
  const limits = {
    bodyByteLengthMax: 200_000,
    pixelCountMax: 1 << 16,
    rowCountMax: 4,
    tokenCountMax: 8,
    sampleCountMax: 2,
  };
  const server = await demoServer({ limits });
  const [first] = await worldRows('safety', 1);
  if (first === undefined) throw new Error('the demo has rows');
  const row = judgeRow(first);
  const content = [
    { type: 'text', text: 'is it safe ?' },
    { type: 'image_url', image_url: { url: row.images[0] ?? '' } },
  ];
  const bodies: readonly (readonly [string, Json])[] = [
    ['/v1/judge', { task: 'safety', ...row, ordering: 'forward', votes: 1 }],
    ['/v1/judge', { task: 'safety', rows: [row, { ...row, id: 'other' }] }],
    [
      '/v1/chat/completions',
      {
        model: 'demo',
        messages: [{ role: 'user', content }],
        max_tokens: 4,
        temperature: 1,
        seed: 1,
        n: 1,
        stream: false,
      },
    ],
  ];
  const inputs = fc.tuple(
    fc.constantFrom(...bodies).chain(([path, body]) => nearJsonText(body).map((text) => ({ path, text }))),
    fc.oneof(
      { weight: 9, arbitrary: fc.constant(types[0] ?? '') },
      { weight: 1, arbitrary: fc.constantFrom(...types) },
    ),
  );
  return fuzzTarget(
    inputs,
    async ([{ path, text }, type]) => {
      const response = await fetch(`${server.address}${path}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: text,
      });
      const answer = await response.text();
      if (response.status >= 500) throw new Error(`status ${String(response.status)}: ${answer}`);
      if (response.ok) return 'accepted';
      const { error } = JSON.parse(answer) as {
        readonly error?: { readonly code?: string; readonly message?: string };
      };
      if (error?.message === undefined)
        throw new Error(`status ${String(response.status)} without an error: ${answer}`);
      return `HTTP ${String(response.status)}`;
    },
    {
      close: () => server.close(),
      near: ([{ path, text }, type]) =>
        fc.tuple(
          nearText(text).map((changed) => ({ path, text: changed })),
          fc.constant(type),
        ),
    },
  );
};
