import * as b from '../../../../policy/graph/build.ts';
import type { Graph, Value } from '../../../../policy/graph/ir.ts';
import { type OpCase, normal, opCase } from '../op-case.ts';

const transposes = [
  { transA: false, transB: false },
  { transA: true, transB: false },
  { transA: false, transB: true },
  { transA: true, transB: true },
] as const;

function products(op: 'MatMul' | 'FusedMatMul', build: (g: Graph, x: Value, y: Value) => Value): OpCase[] {
  return [
    opCase(op, 'matrices', { inputs: { x: normal(2, 3), y: normal(3, 4) }, build: (g, v) => build(g, v.x, v.y) }),
    opCase(op, 'one row, one column', {
      inputs: { x: normal(1, 3), y: normal(3, 1) },
      build: (g, v) => build(g, v.x, v.y),
    }),
    opCase(op, 'a batch against one matrix', {
      inputs: { x: normal(2, 2, 3), y: normal(3, 2) },
      build: (g, v) => build(g, v.x, v.y),
    }),
    opCase(op, 'one matrix against a batch', {
      inputs: { x: normal(2, 3), y: normal(2, 3, 2) },
      build: (g, v) => build(g, v.x, v.y),
    }),
    opCase(op, 'batches that broadcast both ways', {
      inputs: { x: normal(2, 1, 2, 3), y: normal(1, 3, 3, 2) },
      build: (g, v) => build(g, v.x, v.y),
    }),
    opCase(op, 'symbols', {
      inputs: { x: normal('B', 2, 'S', 3), y: normal('B', 2, 3, 'S') },
      build: (g, v) => build(g, v.x, v.y),
      sizes: [
        { B: 2, S: 3 },
        { B: 1, S: 1 },
      ],
    }),
  ];
}

export const linearCases: readonly OpCase[] = [
  ...products('MatMul', b.matMul),
  ...products('FusedMatMul', (g, x, y) => b.fusedMatMul(g, x, y, { alpha: 0.25 })),
  ...transposes.flatMap(({ transA, transB }): OpCase[] => {
    const name = `transA=${Number(transA)} transB=${Number(transB)}`;
    const [rows, columns] = [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4]];
    return [
      opCase('FusedMatMul', name, {
        inputs: { x: normal(2, ...rows), y: normal(2, ...columns) },
        build: (g, v) => b.fusedMatMul(g, v.x, v.y, { transA, transB, alpha: 0.5 }),
      }),
      opCase('FusedMatMul', `${name}, the second broadcast`, {
        inputs: { x: normal(2, 2, ...rows), y: normal(...columns) },
        build: (g, v) => b.fusedMatMul(g, v.x, v.y, { transA, transB }),
      }),
      opCase('FusedMatMul', `${name}, the first broadcast`, {
        inputs: { x: normal(...rows), y: normal(2, 1, ...columns) },
        build: (g, v) => b.fusedMatMul(g, v.x, v.y, { transA, transB }),
      }),
      opCase('Gemm', name, {
        inputs: { x: normal(...rows), y: normal(...columns) },
        build: (g, v) => b.gemm(g, v.x, v.y, { transA, transB }),
      }),
      opCase('Gemm', `${name}, a bias`, {
        inputs: { x: normal(...rows), y: normal(...columns), c: normal(4) },
        build: (g, v) => b.gemm(g, v.x, v.y, { transA, transB, c: v.c }),
      }),
      opCase('Gemm', `${name}, a residual`, {
        inputs: { x: normal(...rows), y: normal(...columns), c: normal(2, 4) },
        build: (g, v) => b.gemm(g, v.x, v.y, { transA, transB, c: v.c }),
      }),
    ];
  }),
  ...[[], [1], [1, 1], [2, 1], [1, 4]].map((shape) =>
    opCase('Gemm', `c [${shape.join(', ')}] broadcasts`, {
      inputs: { x: normal(2, 3), y: normal(3, 4), c: normal(...shape) },
      build: (g, v) => b.gemm(g, v.x, v.y, { c: v.c }),
    }),
  ),
  opCase('Gemm', 'a linear layer over unknown rows', {
    inputs: { x: normal('N', 3), w: normal(2, 3), c: normal(2) },
    build: (g, v) => b.linear(g, v.x, v.w, v.c),
    sizes: [{ N: 1 }, { N: 4 }],
  }),
  opCase('Gemm', 'a residual of unknown rows', {
    inputs: { x: normal('N', 3), w: normal(2, 3), c: normal('N', 2) },
    build: (g, v) => b.linear(g, v.x, v.w, v.c),
    sizes: [{ N: 1 }, { N: 4 }],
  }),
];
