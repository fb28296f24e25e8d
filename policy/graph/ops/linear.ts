import { type Dim, type Shape, broadcast, shapeText } from '../dim.ts';
import { fusedMatMul, gemm, reduceSum, unbroadcast } from '../build.ts';
import type { Value } from '../ir.ts';
import type { GradientContext, LinearOp, OpRows } from '../op-row.ts';

export const linearOps: OpRows<LinearOp> = {
  MatMul: {
    domain: '',
    infer: ({ inputs }) => [{ dtype: 'float32', shape: matMulShape(inputs, false, false) }],
    gradient: (c) => matMulGradient(c, false, false, 1),
  },
  FusedMatMul: {
    domain: 'com.microsoft',
    infer: ({ inputs, attributes }) => [
      { dtype: 'float32', shape: matMulShape(inputs, attributes['transA'] === 1, attributes['transB'] === 1) },
    ],
    gradient: (c) =>
      matMulGradient(
        c,
        c.node.attributes['transA'] === 1,
        c.node.attributes['transB'] === 1,
        c.node.attributes['alpha'] as number,
      ),
  },
  Gemm: {
    domain: '',
    infer: ({ inputs, attributes }) => {
      const [a, b, c] = inputs;
      if (a === undefined || b === undefined) throw new Error('needs a and b');
      if (a.shape.length !== 2 || b.shape.length !== 2) throw new Error('needs two matrices');
      const shape = matMulShape([a, b], attributes['transA'] === 1, attributes['transB'] === 1);
      if (c !== undefined && c.dtype !== 'float32') throw new Error('c must be float32');
      if (c !== undefined && broadcast(c.shape, shape)?.every((dim, axis) => dim === shape[axis]) !== true) {
        throw new Error(`c ${shapeText(c.shape)} does not broadcast to ${shapeText(shape)}`);
      }
      return [{ dtype: 'float32', shape }];
    },
    gradient: gemmGradient,
  },
};

function matMulShape(inputs: readonly Value[], transA: boolean, transB: boolean): Shape {
  const [a, b] = inputs;
  if (a === undefined || b === undefined) throw new Error('needs a and b');
  if (a.dtype !== 'float32' || b.dtype !== 'float32') throw new Error('needs float32');
  if (a.shape.length < 2 || b.shape.length < 2) throw new Error('needs at least two axes');
  const [rows, innerA] = lastTwo(a.shape, transA);
  const [innerB, columns] = lastTwo(b.shape, transB);
  if (innerA !== innerB) throw new Error(`inner dimensions ${innerA} and ${innerB} differ`);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (batch === undefined) throw new Error('batch dimensions do not broadcast');
  return [...batch, rows, columns];
}

function lastTwo(shape: Shape, transposed: boolean): readonly [Dim, Dim] {
  const [rows, columns] = shape.slice(-2) as [Dim, Dim];
  return transposed ? [columns, rows] : [rows, columns];
}

/** Y = alpha op(A) op(B): dA = alpha dY op(B)^T and dB = alpha op(A)^T dY, transposed where the operand was. */
function matMulGradient(context: GradientContext, transA: boolean, transB: boolean, alpha: number): Value[] {
  const g = context.graph;
  const [a, b] = context.inputs as [Value, Value];
  const dy = context.outputGradients[0] as Value;
  const da = transA
    ? fusedMatMul(g, b, dy, { transA: transB, transB: true, alpha })
    : fusedMatMul(g, dy, b, { transB: !transB, alpha });
  const db = transB
    ? fusedMatMul(g, dy, a, { transA: true, transB: transA, alpha })
    : fusedMatMul(g, a, dy, { transA: !transA, alpha });
  return [unbroadcast(g, da, a.shape), unbroadcast(g, db, b.shape)];
}

function gemmGradient(context: GradientContext): Value[] {
  const g = context.graph;
  const [a, b, c] = context.inputs as [Value, Value, Value | undefined];
  const transA = context.node.attributes['transA'] === 1;
  const transB = context.node.attributes['transB'] === 1;
  const dy = context.outputGradients[0] as Value;
  const da = transA ? gemm(g, b, dy, { transA: transB, transB: true }) : gemm(g, dy, b, { transB: !transB });
  const db = transB ? gemm(g, dy, a, { transA: true, transB: transA }) : gemm(g, a, dy, { transA: !transA });
  if (c === undefined) return [da, db];
  // A bias [N] sums over rows; a residual [M, N] passes through.
  const isBias = c.shape.length === 1 && c.shape[0] === dy.shape[1];
  const dc = isBias ? reduceSum(g, dy, [0], false) : unbroadcast(g, dy, c.shape);
  return [da, db, dc];
}
