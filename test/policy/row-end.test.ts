/** The graph ends a row with its stop token or with the last token of a stop sequence. */
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { int64 } from '../../policy/engines/embedded/packing/prompt-batch.ts';
import * as b from '../../policy/graph/build.ts';
import { Graph, type Value } from '../../policy/graph/ir.ts';
import { carried, rowEnd } from '../../policy/models/row-end.ts';
import type { GraphRunner } from '../../policy/runtime/graph-runner.ts';
import { openRuntime } from '../../policy/runtime/open-runtime.ts';

const stopToken = 0;
const rowCount = 6;
const stepCount = 9;
const runtime = await openRuntime({ threadCount: 1 });
const runners: GraphRunner[] = [];
afterAll(async () => {
  for (const runner of runners) await runner.release();
});

/**
 * Draws the given tokens in a first step and a loop, as a rollout does: tokens int64 [C, R, 1] -> ended bool [C, R, 1].
 */
async function compiled(stopSequences: readonly (readonly number[])[]): Promise<GraphRunner> {
  const g = new Graph('rows');
  const tokens = g.input('tokens', 'int64', ['C', 'R', 1]);
  const end = rowEnd(g.constant(BigInt64Array.of(BigInt(stopToken)), []), stopSequences);
  const afterFirst = end.after(g, b.gather(g, tokens, g.constant(BigInt64Array.of(0n), []), 0), end.start(g, 'R'));
  const body = new Graph('step', g);
  const iteration = body.input('iteration', 'int64', []);
  const condition = body.input('condition', 'bool', []);
  const before = end.declare(body, 'R');
  const step = b.add(body, iteration, body.constant(BigInt64Array.of(1n), []));
  const after = end.after(body, b.gather(body, tokens, step, 0), before);
  body.output('condition', b.identity(body, condition));
  carried(after).forEach((value, index) => {
    body.output(`end${index}`, value);
  });
  body.output('endedNow', after.ended);
  const trips = b.add(g, b.reshape(g, b.sizes(g, ['C']), []), g.constant(BigInt64Array.of(-1n), []));
  const results = g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), ...carried(afterFirst)], { body });
  g.output('ended', b.concat(g, [b.reshape(g, afterFirst.ended, [1, 'R', 1]), results.at(-1) as Value], 0));
  const runner = await runtime.compile(g);
  runners.push(runner);
  return runner;
}

function endedBy(tokenIds: readonly number[], sequences: readonly (readonly number[])[]): boolean {
  return tokenIds.some((id, index) => {
    const text = tokenIds.slice(0, index + 1).join(' ');
    return id === stopToken || sequences.some((sequence) => ` ${text}`.endsWith(` ${sequence.join(' ')}`));
  });
}

it('ends a row with the stop token or the last token of any stop sequence, of any length, and not before', async () => {
  const token = fc.integer({ min: 0, max: 3 });
  const sequences = fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  });
  const rows = fc.array(fc.array(token, { minLength: stepCount, maxLength: stepCount }), {
    minLength: rowCount,
    maxLength: rowCount,
  });
  await fc.assert(
    fc.asyncProperty(sequences, rows, async (stopSequences, drawn) => {
      const steps = Array.from({ length: stepCount }, (_, step) => drawn.map((row) => row[step] ?? 0));
      const tokens = int64(BigInt64Array.from(steps.flat(), BigInt), [stepCount, rowCount, 1]);
      const outputs = await (await compiled(stopSequences)).run(new Map([['tokens', tokens]]));
      const expected = steps.map((_, step) => drawn.map((row) => endedBy(row.slice(0, step + 1), stopSequences)));
      expect(Array.from(required(outputs.get('ended'), 'ended').data as Uint8Array, Boolean)).toEqual(expected.flat());
    }),
    { numRuns: 60 },
  );
});
