import * as b from '../../../../policy/graph/build.ts';
import type { Graph, Value } from '../../../../policy/graph/ir.ts';
import type { OpName } from '../../../../policy/graph/op-row.ts';
import { type OpCase, exactly, few, int, normal, opCase } from '../op-case.ts';

type Reduce = (g: Graph, x: Value, axes: readonly number[], keep?: boolean) => Value;

function reductions(op: OpName, build: Reduce): OpCase[] {
  const fixed = [[0], [1], [-1], [0, 2], [0, 1, 2]].flatMap((axes) =>
    [true, false].map((keep) =>
      opCase(op, `axes ${axes.join(',')} keep=${String(keep)}`, {
        inputs: { x: normal(2, 3, 2) },
        build: (g, v) => build(g, v.x, axes, keep),
      }),
    ),
  );
  return [
    ...fixed,
    opCase(op, 'an axis of one', { inputs: { x: normal(2, 1) }, build: (g, v) => build(g, v.x, [1], false) }),
    opCase(op, 'beside symbols', {
      inputs: { x: normal('B', 2, 'S', 3) },
      build: (g, v) => build(g, v.x, [1, 3], false),
      sizes: [
        { B: 2, S: 3 },
        { B: 1, S: 1 },
      ],
    }),
  ];
}

function overSymbols(op: OpName, build: Reduce): OpCase[] {
  return [true, false].map((keep) =>
    opCase(op, `over symbols keep=${String(keep)}`, {
      inputs: { x: normal('B', 'S', 2) },
      build: (g, v) => build(g, v.x, [0, 1], keep),
      sizes: [
        { B: 2, S: 3 },
        { B: 1, S: 1 },
      ],
    }),
  );
}

/** Masked and large logits, and a row of equal values: where a naive softmax fails. */
const hard = exactly('float32', [4, 3], [-1e9, 1, 2, 300, 299, -300, 5, 5, 5, -1e9, -1e9, 0]);

function overLastAxis(op: 'Softmax' | 'LogSoftmax', build: (g: Graph, x: Value) => Value): OpCase[] {
  return [
    opCase(op, 'a vector', { inputs: { x: normal(4) }, build: (g, v) => build(g, v.x) }),
    opCase(op, 'three axes', { inputs: { x: normal(2, 3, 4) }, build: (g, v) => build(g, v.x) }),
    opCase(op, 'rows of one', { inputs: { x: normal(3, 1) }, build: (g, v) => build(g, v.x) }),
    opCase(op, 'large and masked', { inputs: { x: hard }, build: (g, v) => build(g, v.x), by: [] }),
    opCase(op, 'symbols', {
      inputs: { x: normal('B', 'S') },
      build: (g, v) => build(g, v.x),
      sizes: [
        { B: 2, S: 5 },
        { B: 1, S: 1 },
      ],
    }),
  ];
}

export const reductionCases: readonly OpCase[] = [
  ...reductions('ReduceSum', b.reduceSum),
  ...overSymbols('ReduceSum', b.reduceSum),
  opCase('ReduceSum', 'int64', { inputs: { x: int(-9, 9, 2, 3) }, build: (g, v) => b.reduceSum(g, v.x, [1]) }),
  ...reductions('ReduceMean', b.reduceMean),
  ...overSymbols('ReduceMean', b.reduceMean).map((item) => ({ ...item, by: [] })),
  ...reductions('ReduceMax', b.reduceMax),
  ...overSymbols('ReduceMax', b.reduceMax),
  opCase('ReduceSumSquare', 'a matrix', { inputs: { x: normal(2, 3) }, build: (g, v) => b.sumOfSquares(g, v.x) }),
  opCase('ReduceSumSquare', 'a vector', { inputs: { x: normal(4) }, build: (g, v) => b.sumOfSquares(g, v.x) }),
  opCase('ReduceSumSquare', 'symbols', {
    inputs: { x: normal('B', 2) },
    build: (g, v) => b.sumOfSquares(g, v.x),
    sizes: [{ B: 1 }, { B: 3 }],
  }),
  opCase('ArgMax', 'rows', { inputs: { x: normal(2, 3, 4) }, build: (g, v) => b.argMax(g, v.x), by: [] }),
  opCase('ArgMax', 'the first of equals', {
    inputs: { x: exactly('float32', [2, 3], [1, 1, 0, 0, 2, 2]) },
    build: (g, v) => b.argMax(g, v.x),
    by: [],
  }),
  opCase('ArgMax', 'symbols', {
    inputs: { x: normal('B', 3) },
    build: (g, v) => b.argMax(g, v.x),
    sizes: [{ B: 1 }, { B: 3 }],
    by: [],
  }),
  opCase('TopK', 'of rows', { inputs: { x: normal(2, 3, 5) }, build: (g, v) => b.topK(g, v.x, 3), by: [] }),
  opCase('TopK', 'all of many, equals in their order', {
    inputs: { x: few(3, 40) },
    build: (g, v) => b.topK(g, v.x, 40),
    by: [],
  }),
  opCase('TopK', 'some of many, equals in their order', {
    inputs: { x: few(3, 40) },
    build: (g, v) => b.topK(g, v.x, 7),
    by: [],
  }),
  opCase('TopK', 'symbols', {
    inputs: { x: normal('B', 4) },
    build: (g, v) => b.topK(g, v.x, 1),
    sizes: [{ B: 1 }, { B: 3 }],
    by: [],
  }),
  ...[0, 1, -1].map((axis) =>
    opCase('CumSum', `axis ${axis}`, { inputs: { x: normal(2, 3, 2) }, build: (g, v) => b.cumSum(g, v.x, axis) }),
  ),
  opCase('CumSum', 'symbols', {
    inputs: { x: normal('B', 'S') },
    build: (g, v) => b.cumSum(g, v.x, 1),
    sizes: [
      { B: 2, S: 4 },
      { B: 1, S: 1 },
    ],
  }),
  opCase('CumSum', 'int64', { inputs: { x: int(-4, 4, 2, 3) }, build: (g, v) => b.cumSum(g, v.x, 1) }),
  ...overLastAxis('Softmax', b.softmax),
  ...overLastAxis('LogSoftmax', b.logSoftmax),
];
