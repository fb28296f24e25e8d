import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { add, mul, reduceSum } from '../../../policy/graph/build.ts';
import type { Value } from '../../../policy/graph/ir.ts';
import type { OpName } from '../../../policy/graph/op-row.ts';
import { opNames, opRow } from '../../../policy/graph/op-table.ts';
import { evaluate } from '../../support/reference-interpreter.ts';
import { type ReferenceTensor, countOf } from '../../support/reference-tensor.ts';
import { opCases } from './cases/all.ts';
import { gradientProblems } from './finite-difference.ts';
import { type BuiltCase, type OpCase, buildCase, drawInputs } from './op-case.ts';

const differentiated = opCases.filter(({ by }) => by.length > 0);

/** float32 inputs that an op's gradient rule leaves out on purpose: the cos and sin tables of a rotation. */
const withoutGradient: Partial<Record<OpName, readonly number[]>> = { RotaryEmbedding: [2, 3] };

/** The sum of outputs times random weights, so that every element of every output counts differently. */
function weightedLoss({ graph, outputs }: BuiltCase): { loss: Value; weights: Value[]; weighted: Value[] } {
  const weighted = outputs.filter(({ dtype }) => dtype === 'float32');
  const weights = weighted.map((value, index) => graph.input(`weight${index}`, 'float32', value.shape));
  const sums = weighted.map((value, index) => {
    const axes = value.shape.map((_, axis) => axis);
    const product = mul(graph, value, weights[index] as Value);
    return axes.length === 0 ? product : reduceSum(graph, product, axes, false);
  });
  return { loss: sums.reduce((a, b) => add(graph, a, b)), weights, weighted };
}

async function problemsOf(item: OpCase): Promise<string[]> {
  const built = buildCase(item);
  const { loss, weights, weighted } = weightedLoss(built);
  const runs = item.sizes.map((sizes) => {
    const inputs: Map<string, ReferenceTensor> = drawInputs(item, sizes);
    const rng = new Rng(item.title, 'weights');
    evaluate(built.graph, inputs, weighted).forEach(({ shape }, index) => {
      const data = Array.from({ length: countOf(shape) }, () => Math.fround(rng.normal()));
      inputs.set((weights[index] as Value).name, { dtype: 'float32', shape, data });
    });
    return inputs;
  });
  const by = item.by.map((name) => built.inputs[name] as Value);
  return gradientProblems(built.graph, loss, by, runs);
}

/** Positions of the op's float32 inputs that occur in its cases, and of those with a gradient. */
function positions(op: OpName): { used: Set<number>; covered: Set<number> } {
  const used = new Set<number>();
  const covered = new Set<number>();
  for (const item of opCases.filter((candidate) => candidate.op === op)) {
    const { graph, inputs } = buildCase(item);
    const by = new Set(item.by.map((name) => inputs[name]));
    for (const node of graph.nodes.filter((candidate) => candidate.op === op)) {
      node.inputs.forEach((input, position) => {
        if (input.dtype === 'float32') used.add(position);
        if (by.has(input)) covered.add(position);
      });
    }
  }
  return { used, covered };
}

describe('gradients match finite differences and ONNX Runtime', () => {
  it.each(differentiated.map((item) => [item.title, item] as const))('%s', async (_title, item) => {
    expect((await problemsOf(item)).join('\n')).toBe('');
  });

  it('every op with a gradient rule has a case for each of its differentiable inputs', () => {
    const missing = opNames
      .filter((op) => typeof opRow(op).gradient === 'function')
      .flatMap((op) => {
        const { used, covered } = positions(op);
        const left = [...used].filter((position) => !covered.has(position));
        const uncovered = left.filter((position) => withoutGradient[op]?.includes(position) !== true);
        return covered.size === 0 ? [op] : uncovered.map((position) => `${op} input ${position}`);
      });
    expect(missing).toEqual([]);
  });
});
