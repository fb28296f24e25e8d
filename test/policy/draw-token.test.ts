/** Token sampling with top-k, top-p and bans, compared with transformers' processors and with a simple oracle. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { product } from '../../policy/graph/dim.ts';
import { Graph } from '../../policy/graph/ir.ts';
import { type DrawOptions, declareSampling, drawToken } from '../../policy/models/draw-token.ts';
import type { Tensor } from '../../policy/runtime/graph-runner.ts';
import { float32, floatScalar, int64 } from '../../policy/engines/embedded/packing/prompt-batch.ts';
import { openRuntime } from '../../policy/runtime/open-runtime.ts';
import { type Drawing, distribution } from '../support/sampling-oracle.ts';

interface Drawn {
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
}

/** Draws one token per uniform from the same logits. */
async function draw(
  logits: readonly number[],
  drawing: Drawing,
  uniforms: readonly number[],
  overKept = false,
): Promise<Drawn> {
  const { topK, topP, temperature = 1, bannedTokenIds = [] } = drawing;
  const options: DrawOptions = { ...(topK !== undefined && { topK }), withTopP: topP !== undefined, overKept };
  const g = new Graph('draw');
  const columns = g.input('logits', 'float32', [logits.length, product(['N', 'G'])]);
  const iteration = g.input('iteration', 'int64', []);
  const drawn = drawToken(g, declareSampling(g, logits.length, options), options, columns, iteration);
  g.output('token', drawn.token);
  g.output('logProb', drawn.logProb);
  const bias = Float32Array.from(logits, (_, id) => (bannedTokenIds.includes(id) ? -1e9 : 0));
  const scalar = (value: bigint): Tensor => int64(BigInt64Array.of(value), []);
  const inputs = new Map<string, Tensor>([
    [
      'logits',
      float32(Float32Array.from(logits.flatMap((logit) => uniforms.map(() => logit))), [
        logits.length,
        uniforms.length,
      ]),
    ],
    ['iteration', scalar(0n)],
    ['uniforms', float32(Float32Array.from(uniforms), [1, uniforms.length, 1])],
    ['greedy', { dtype: 'bool', shape: [], data: Uint8Array.of(0) }],
    ['stopToken', scalar(0n)],
    ['padToken', scalar(0n)],
    ['inverseTemperature', floatScalar(1 / temperature)],
    ['vocabularyBias', float32(bias, [logits.length])],
  ]);
  if (topP !== undefined) inputs.set('topP', floatScalar(topP));
  const runner = await (await openRuntime({ threadCount: 1 })).compile(g);
  const outputs = await runner.run(inputs);
  await runner.release();
  return {
    tokens: Array.from(required(outputs.get('token'), 'token').data as BigInt64Array, Number),
    logProbs: Array.from(required(outputs.get('logProb'), 'logProb').data as Float32Array),
  };
}

/**
 * Uniforms just inside both ends and in the middle of each token's part of (0, 1), and the token that each must draw.
 */
function probesOf(kept: readonly (readonly [id: number, probability: number])[]): { at: number; id: number }[] {
  const margin = 2e-6;
  let from = 0;
  return kept.flatMap(([id, probability]) => {
    const to = from + probability;
    const probes = probability > 3 * margin ? [from + margin, (from + to) / 2, to - margin] : [];
    from = to;
    return probes.map((at) => ({ at, id }));
  });
}

async function expectDistribution(
  logits: readonly number[],
  drawing: Drawing,
  kept: readonly (readonly [id: number, probability: number])[],
): Promise<void> {
  const probes = probesOf(kept);
  const drawn = await draw(
    logits,
    drawing,
    probes.map(({ at }) => at),
  );
  expect(drawn.tokens).toEqual(probes.map(({ id }) => id));
  // Log-probs of the policy: they include the tokens that top-k and top-p leave out.
  const { topK: _topK, topP: _topP, ...policy } = drawing;
  const whole = new Map(distribution(logits, policy));
  const wanted = probes.map(({ id }) => Math.log(required(whole.get(id), 'a token of the policy')));
  expect(Math.max(...drawn.logProbs.map((value, i) => Math.abs(value - (wanted[i] ?? NaN))))).toBeLessThan(1e-5);
}

interface Case {
  readonly title: string;
  readonly options: Drawing;
  readonly logits: readonly number[];
  readonly kept: Readonly<Record<string, number>>;
}

describe('samples from the same distribution as transformers', () => {
  const { cases } = JSON.parse(
    readFileSync(new URL('../fixtures/sampling/expected.json', import.meta.url), 'utf8'),
  ) as { readonly cases: readonly Case[] };

  it.each(cases.map((each) => [each.title, each] as const))('%s', async (_title, { logits, options, kept }) => {
    const expected = Object.entries(kept).map(([id, probability]) => [Number(id), probability] as const);
    await expectDistribution(logits, options, expected);
    // The oracle, which the property below relies on, agrees.
    const own = distribution(logits, options);
    expect(own.map(([id]) => id)).toEqual(expected.map(([id]) => id));
    own.forEach(([, probability], i) => {
      expect(Math.abs(probability - (expected[i]?.[1] ?? NaN))).toBeLessThan(1e-6);
    });
  });

  // Of tokens tied at the end, only as many as k are kept.
  const cut = cases.filter(({ options: { topK = 0 }, kept }) => Object.keys(kept).length <= topK);
  it.each(cut.map((each) => [each.title, each] as const))(
    '%s, with log-probs over the kept tokens',
    async (_title, { logits, options, kept }) => {
      // The uniform runs over them in the order of probability.
      const likeliest = Object.entries(kept)
        .map(([id, probability]) => [Number(id), probability] as const)
        .sort((a, b) => b[1] - a[1] || a[0] - b[0]);
      const probes = probesOf(likeliest);
      const uniforms = probes.map(({ at }) => at);
      const drawn = await draw(logits, options, uniforms, true);
      expect(drawn.tokens).toEqual(probes.map(({ id }) => id));
      const wanted = probes.map(({ id }) => Math.log(required(kept[String(id)], 'a kept token')));
      expect(Math.max(...drawn.logProbs.map((value, i) => Math.abs(value - (wanted[i] ?? NaN))))).toBeLessThan(1e-5);
    },
  );
});

describe('any logits, with ties, under any options', () => {
  it('draws the same token as the oracle for every uniform, with the log-prob of the policy', async () => {
    const drawing = fc.record(
      {
        topK: fc.integer({ min: 1, max: 8 }),
        // Between the cumulative shares of equal tokens, so that rounding decides nothing.
        topP: fc.integer({ min: 1, max: 99 }).map((percent) => (percent + 0.377) / 100),
        temperature: fc.constantFrom(0.5, 1, 3),
        bannedTokenIds: fc.constantFrom([], [0], [1, 5]),
      },
      { requiredKeys: [] },
    );
    const logits = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 9, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(logits, drawing, (values, options) =>
        expectDistribution(values, options, distribution(values, options)),
      ),
      { numRuns: 60 },
    );
  });
});
