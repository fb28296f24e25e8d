import { describe, expect, it } from 'vitest';
import { MtrlError } from '../../../core/errors.ts';
import * as b from '../../../policy/graph/build.ts';
import { gradients } from '../../../policy/graph/gradient.ts';
import { Graph, type Value, expectShape } from '../../../policy/graph/ir.ts';
import type { OpName } from '../../../policy/graph/op-row.ts';

/** This file's path as nodes record it, with line and column. */
const site = /^test\/policy\/graph\/legality\.test\.ts:\d+:\d+$/;

function errorOf(action: () => unknown): MtrlError {
  try {
    action();
  } catch (error) {
    if (error instanceof MtrlError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function expectIllegal(action: () => unknown, message: string | RegExp): void {
  const error = errorOf(action);
  expect(error.code).toBe('GRAPH_INVALID');
  expect(error.message).toMatch(message);
  expect(error.details.where).toMatch(site);
}

function floats(): { g: Graph; x: Value; y: Value; n: Value; c: Value } {
  const g = new Graph('g');
  return {
    g,
    x: g.input('x', 'float32', [2, 3]),
    y: g.input('y', 'float32', [4, 3]),
    n: g.input('n', 'int64', [2]),
    c: g.input('c', 'bool', [2, 3]),
  };
}

type Tensors = ReturnType<typeof floats>;

const wrong: readonly (readonly [string, (t: Tensors) => unknown, string])[] = [
  [
    'Add of shapes that do not broadcast',
    ({ g, x, y }) => b.add(g, x, y),
    'Add(x: float32[2, 3], y: float32[4, 3]): shapes [2, 3] and [4, 3] do not broadcast',
  ],
  [
    'Add of two dtypes',
    ({ g, x, n }) => b.add(g, x, n),
    'Add(x: float32[2, 3], n: int64[2]): needs two numbers of one dtype',
  ],
  ['Add of truth values', ({ g, c }) => b.add(g, c, c), 'needs two numbers of one dtype'],
  ['Exp of integers', ({ g, n }) => b.exp(g, n), 'Exp(n: int64[2]): needs float32'],
  [
    'Gelu of an unknown form',
    ({ g, x }) => g.op('Gelu', [x], { attributes: { approximate: 'sigmoid' } }),
    'approximate must be tanh or none',
  ],
  ['Not of numbers', ({ g, x }) => b.not(g, x), 'needs bool'],
  ['And of numbers', ({ g, n }) => b.and(g, n, n), 'needs two of bool'],
  ['Where without a truth value', ({ g, x }) => b.where(g, x, x, x), 'the condition must be bool'],
  ['Where of two dtypes', ({ g, c, x, n }) => b.where(g, c, x, n), 'a and b must have one dtype'],
  ['Cast to no dtype', ({ g, x }) => g.op('Cast', [x], { attributes: { to: 'float16' } }), 'unknown dtype float16'],
  [
    'MatMul of inner sizes that differ',
    ({ g, x, y }) => b.matMul(g, x, y),
    'MatMul(x: float32[2, 3], y: float32[4, 3]): inner dimensions 3 and 4 differ',
  ],
  ['MatMul of integers', ({ g, x, n }) => b.matMul(g, x, n), 'needs float32'],
  ['Gemm of a vector', ({ g, x }) => b.gemm(g, x, g.scalar(1)), 'needs two matrices'],
  [
    'Gemm with a bias that is too long',
    ({ g, x, y }) => b.linear(g, x, y, g.constant(new Float32Array(5), [5])),
    'c [5] does not broadcast to [2, 4]',
  ],
  ['Reshape to another count', ({ g, x }) => b.reshape(g, x, [5]), '[2, 3] does not hold as many elements as [5]'],
  ['Transpose by no permutation', ({ g, x }) => b.transpose(g, x, [0, 0]), 'perm 0,0 is not a permutation of 2 axes'],
  [
    'Concat of rows of two lengths',
    ({ g, x, y }) => b.concat(g, [x, y], 1),
    'y differs from the others in more than axis 1',
  ],
  ['Slice beyond the end', ({ g, x }) => b.slice(g, x, 1, 2, 4), '[2:4] is outside axis 1 of [2, 3]'],
  ['Split into too much', ({ g, x }) => b.split(g, x, 1, [2, 2]), 'parts 2+2 do not add up to axis 1 of [2, 3]'],
  ['Expand to fewer', ({ g, x }) => b.expand(g, x, [1, 3]), '[2, 3] does not broadcast to [1, 3]'],
  ['Gather by floats', ({ g, x }) => b.gather(g, x, x, 0), 'indices must be int64'],
  ['GatherElements by too few axes', ({ g, x, n }) => b.gatherElements(g, x, n, 0), 'with as many axes as x'],
  [
    'ScatterElements without a sum',
    ({ g, x }) => g.op('ScatterElements', [x, x, x], { attributes: { axis: 0, reduction: 'none' } }),
    'only reduction=add is legal here',
  ],
  ['OneHot of floats', ({ g, x }) => b.oneHot(g, x, 3), 'indices must be int64'],
  ['ReduceSum over an axis that is not there', ({ g, x }) => b.reduceSum(g, x, [2]), 'axes 2 are outside 2 axes'],
  [
    'ReduceSum over axes known at run time',
    ({ g, x, n }) => g.op('ReduceSum', [x, n]),
    'axes must be a constant int64',
  ],
  ['ReduceSum over no axes', ({ g, x }) => g.op('ReduceSum', [x, g.int64([])]), 'needs at least one axis'],
  ['ReduceMean of integers', ({ g, n }) => b.reduceMean(g, n, [0]), 'ReduceMean(n: int64[2], '],
  ['TopK of more than there are', ({ g, x }) => b.topK(g, x, 4), 'k must be 1 to 3, not 4'],
  ['TopK of integers', ({ g, n }) => b.topK(g, n, 1), 'needs float32'],
  [
    'TopK of as many as are known at run time',
    ({ g, x, n }) => g.op('TopK', [x, n], { attributes: { axis: -1, largest: 1, sorted: 1 } }),
    'k must be a constant int64',
  ],
  [
    'TopK of the smallest',
    ({ g, x }) => g.op('TopK', [x, g.int64([1])], { attributes: { axis: -1, largest: 0, sorted: 1 } }),
    'supports only largest and sorted',
  ],
  ['Softmax of a scalar', ({ g }) => b.softmax(g, g.scalar(1)), 'works on the last axis only'],
  [
    'Softmax of another axis',
    ({ g, x }) => g.op('Softmax', [x], { attributes: { axis: 0 } }),
    'works on the last axis only',
  ],
  [
    'LayerNormalization with a scale that does not fit',
    ({ g, x, n }) => b.rmsNormalization(g, x, b.cast(g, n, 'float32'), 1e-5),
    'must be [3]',
  ],
  ['RotaryEmbedding of a matrix', ({ g, x, n }) => b.rotaryEmbedding(g, x, n, x, x), 'x must be [B, H, S, d]'],
  ['Loop without a body', ({ g, x, n, c }) => g.op('Loop', [n, c, x]), 'needs a body'],
];

describe('an invalid graph fails where it was written', () => {
  it.each(wrong)('%s', (_title, action, message) => {
    const tensors = floats();
    const error = errorOf(() => action(tensors));
    expect(error.code).toBe('GRAPH_INVALID');
    expect(error.message).toContain(message);
    expect(error.details.where).toMatch(site);
  });

  it('refuses an unknown op, with the known ones', () => {
    const { g, x } = floats();
    const error = errorOf(() => g.op('Conv' as OpName, [x]));
    expect(error.message).toBe('no op named Conv');
    expect(error.details.hint).toContain('MatMul');
  });

  it('allows one tensor per name', () => {
    const { g, x } = floats();
    g.output('y0', x);
    expectIllegal(() => {
      g.output('y0', x);
    }, 'two outputs named y0');
    expectIllegal(() => g.input('x', 'float32', []), 'two inputs named x');
    expectIllegal(() => {
      g.output('x', x);
    }, 'an input and an output named x');
  });

  it('refuses the size of a symbol that no tensor has', () => {
    const { g } = floats();
    expectIllegal(() => b.zeros(g, ['Q']), 'no tensor of graph g has the dimension Q');
  });

  it('names the shape that a builder expects', () => {
    const { x } = floats();
    expectIllegal(() => {
      expectShape(x, [3, 2], 'the weight');
    }, /the weight has shape \[2, 3\], expected \[3, 2\]/);
  });

  it("records the caller's line for nodes of nested builders", () => {
    const g = new Graph('deep');
    const x = g.input('x', 'float32', [2, 'A', 'B', 'C']);
    const y = b.reshape(g, x, ['B*C', 'A', 2]);
    expect(y.producer?.site).toMatch(site);
    expect(g.nodes.map((node) => node.site).filter((line) => !site.test(line))).toEqual([]);
  });
});

/** A loop body that halves its carried value. */
function halved(g: Graph, x: Value, captured?: Value): Value {
  const body = new Graph('body', g);
  body.input('iteration', 'int64', []);
  const condition = body.input('condition', 'bool', []);
  const before = body.input('x', 'float32', x.shape);
  body.output('condition', condition);
  body.output('x', b.mul(body, before, captured ?? body.scalar(0.5)));
  const trips = g.constant(BigInt64Array.of(2n), []);
  return g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), x], { body })[0] as Value;
}

const total = (g: Graph, x: Value): Value =>
  b.reduceSum(
    g,
    x,
    x.shape.map((_, axis) => axis),
    false,
  );

const withoutRule: readonly (readonly [string, (t: Tensors) => Value, RegExp])[] = [
  ['Loop', ({ g, x }) => total(g, halved(g, x)), /gradient of Loop \(loop\d+\): this op has no gradient rule/],
  [
    'Loop that captures the parameter, beside another path',
    ({ g, x, y }) => b.add(g, total(g, halved(g, y, b.reduceMean(g, x, [0, 1]))), total(g, x)),
    /gradient of Loop \(loop\d+\): this op has no gradient rule/,
  ],
  [
    'Gather on another axis than the first',
    ({ g, x, n }) => total(g, b.gather(g, x, n, 1)),
    /gradient of Gather \(gather\d+\): Gather has a gradient rule for axis 0 only/,
  ],
  [
    'the statistics of a norm',
    ({ g, x }) =>
      total(
        g,
        g.op('SimplifiedLayerNormalization', [x, g.constant(Float32Array.of(1, 1, 1), [3])], {
          attributes: { axis: -1, epsilon: 1e-5 },
        })[1] as Value,
      ),
    /gradient of SimplifiedLayerNormalization \(\w+\): mean, deviation and rms have no gradient rule/,
  ],
  [
    'what only sampling uses',
    ({ g, x }) => total(g, b.topK(g, x, 2)[0]),
    /gradient of TopK \(topk\d+\): this op has no gradient rule/,
  ],
  [
    'the table of a rotation',
    ({ g, x, c }) =>
      total(
        g,
        b.rotaryEmbedding(
          g,
          g.constant(new Float32Array(12), [1, 1, 2, 6]),
          b.cast(g, b.reshape(g, b.slice(g, b.slice(g, c, 1, 0, 1), 0, 0, 2), [1, 2]), 'int64'),
          x,
          x,
        ),
      ),
    /gradient of RotaryEmbedding \(\w+\): by its input x has no gradient rule/,
  ],
];

describe('an unavailable gradient is refused, never omitted', () => {
  it.each(withoutRule)('%s', (_title, lossOf, message) => {
    const tensors = floats();
    const loss = lossOf(tensors);
    expectIllegal(() => gradients(tensors.g, loss, [tensors.x]), message);
  });

  it.each([
    ['Slice', (g: Graph, x: Value) => b.slice(g, x, 0, 0, 2), /Slice of an axis of unknown size/],
    ['ReduceMean', (g: Graph, x: Value) => b.reduceMean(g, x, [0]), /ReduceMean over an axis of unknown size/],
  ] as const)('%s along an axis of unknown size', (op, build, reason) => {
    const g = new Graph('g');
    const x = g.input('x', 'float32', ['A', 2]);
    const loss = total(g, build(g, x));
    expectIllegal(() => gradients(g, loss, [x]), new RegExp(`^gradient of ${op} \\(\\w+\\): ${reason.source}`));
  });

  it('refuses a loss that does not depend on a parameter', () => {
    const { g, x, y } = floats();
    expectIllegal(() => gradients(g, total(g, x), [y]), /the loss reducesum\d+ depends on no parameter/);
    expectIllegal(() => gradients(g, total(g, x), [x, y]), 'no gradient reaches y');
  });

  it('refuses a parameter that affects the loss only through a comparison', () => {
    const { g, x } = floats();
    const loss = total(g, b.cast(g, b.less(g, x, g.scalar(0)), 'float32'));
    expectIllegal(() => gradients(g, loss, [x]), 'depends on no parameter');
  });

  it('refuses a loss that is not a scalar', () => {
    const { g, x } = floats();
    expectIllegal(() => gradients(g, x, [x]), /the loss x has shape \[2, 3\], expected \[\]/);
  });
});
