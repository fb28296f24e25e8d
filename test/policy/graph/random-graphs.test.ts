import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import * as b from '../../../policy/graph/build.ts';
import { Graph, type Value } from '../../../policy/graph/ir.ts';
import { evaluate } from '../../support/reference-interpreter.ts';
import { type ReferenceTensor, at, countOf } from '../../support/reference-tensor.ts';
import { mismatch, runInRuntime } from '../../support/runtime-run.ts';
import { gradientProblems } from './finite-difference.ts';

const runCount = 40;

type Build = (g: Graph, x: Value, y: Value) => Value;

/**
 * Ops that are smooth everywhere and of moderate size for any input, so that differences are exact enough at any depth.
 */
const builders: Readonly<Record<string, Build>> = {
  add: b.add,
  sub: b.sub,
  mul: (g, x, y) => b.mul(g, b.tanh(g, x), y),
  div: (g, x, y) => b.div(g, x, b.add(g, b.mul(g, y, y), g.scalar(1))),
  neg: b.neg,
  exp: (g, x) => b.exp(g, b.sigmoid(g, x)),
  log: (g, x) => b.log(g, b.add(g, b.sigmoid(g, x), g.scalar(1))),
  sqrt: (g, x) => b.sqrt(g, b.add(g, b.mul(g, x, x), g.scalar(1))),
  reciprocal: (g, x) => b.reciprocal(g, b.add(g, b.sigmoid(g, x), g.scalar(0.5))),
  gelu: (g, x) => b.gelu(g, x, 'tanh'),
  where: (g, x, y) => b.where(g, b.less(g, g.constant(Float32Array.of(-1, 1), [2]), g.scalar(0)), x, y),
  mean: (g, x) => b.reduceMean(g, x, [x.shape.length - 1]),
};

/** Mutually broadcastable shapes; one has a symbol. */
const shapes = [['N', 2], [1, 2], ['N', 1], [2]] as const;

interface Plan {
  readonly leaves: readonly number[];
  readonly steps: readonly (readonly [name: string, left: number, right: number])[];
  readonly rowCount: number;
  readonly seed: number;
}

const plans = fc.record({
  leaves: fc.array(fc.nat(shapes.length - 1), { minLength: 1, maxLength: 3 }),
  steps: fc.array(fc.tuple(fc.constantFrom(...Object.keys(builders)), fc.nat(9), fc.nat(9)), {
    minLength: 1,
    maxLength: 6,
  }),
  rowCount: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(),
});

/** Each step combines two of the values so far; the last step's value is the result. */
function grow(plan: Plan): { g: Graph; leaves: Value[]; result: Value } {
  const g = new Graph('random');
  const leaves = plan.leaves.map((index, i) => g.input(`x${i}`, 'float32', at(shapes, index)));
  const values = [...leaves];
  for (const [name, left, right] of plan.steps) {
    const build = builders[name];
    if (build === undefined) throw new Error(`no builder ${name}`);
    values.push(build(g, at(values, left % values.length), at(values, right % values.length)));
  }
  // Adds all leaves, so that each has a gradient.
  const result = leaves.reduce((sum, leaf) => b.add(g, sum, leaf), at(values, values.length - 1));
  return { g, leaves, result };
}

function draw(plan: Plan, leaves: readonly Value[]): Map<string, ReferenceTensor> {
  const rng = new Rng('random-graphs', plan.seed);
  return new Map(
    leaves.map(({ name, shape }) => {
      const bound = shape.map((dim) => (typeof dim === 'number' ? dim : plan.rowCount));
      const data = Array.from({ length: countOf(bound) }, () => Math.fround(rng.normal()));
      return [name, { dtype: 'float32', shape: bound, data }];
    }),
  );
}

describe('random graphs of elementwise ops', () => {
  it('ONNX Runtime matches the reference', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { g, leaves, result } = grow(plan);
        g.output('y', result);
        const inputs = draw(plan, leaves);
        const [found] = await runInRuntime(g, [inputs]);
        expect(mismatch(found?.get('y'), at(evaluate(g, inputs, [result]), 0), 1e-5)).toBeUndefined();
      }),
      { numRuns: runCount },
    );
  });

  it('gradients match finite differences in float64 and in ONNX Runtime', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { g, leaves, result } = grow(plan);
        const axes = result.shape.map((_, axis) => axis);
        const loss = b.reduceSum(g, b.mul(g, result, b.sigmoid(g, result)), axes, false);
        expect((await gradientProblems(g, loss, leaves, [draw(plan, leaves)])).join('\n')).toBe('');
      }),
      { numRuns: runCount },
    );
  });
});
