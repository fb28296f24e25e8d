/**
 * Muon (Keller Jordan, 2024) as a graph: the update of a hidden matrix is its orthogonalised momentum, scaled to the
 * size of AdamW's updates (arXiv 2502.16982). AdamW updates tables, heads, norms, biases and adapters.
 */
import { add, div, gemm, max, mul, sqrt, sub, sumOfSquares, transpose } from '../graph/build.ts';
import { Graph, type Value } from '../graph/ir.ts';
import type { ParameterSpec } from '../models/parameters.ts';
import { clipFactor, keptShare } from './adamw-graph.ts';

/** Scalars of one update; all float32 []. */
export const muonHyperparameterNames = [
  'learningRate',
  'momentum',
  'oneMinusMomentum',
  'weightDecay',
  'gradientNormMax',
] as const;

export type MuonHyperparameters = Readonly<Record<(typeof muonHyperparameterNames)[number], number>>;

/** x <- a x + (b A + c A^2) x with A = x x^T: five iterations map singular values in (0, 1] to about 1 (0.7 to 1.2). */
const [a, b, c] = [3.4445, -4.775, 2.0315];
const iterationCount = 5;
const normMin = 1e-7;
/** Typical root mean square of AdamW's update, divided by the learning rate. */
const updateSize = 0.2;

export function isHiddenMatrix({ role, shape }: ParameterSpec): boolean {
  return (role === 'matrix' || role === 'residual-matrix') && shape.length === 2;
}

/**
 * Inputs: `gradient:NAME`, `weight:NAME`, `m:NAME` for every matrix, the hyperparameters, and `gradientNorm` [].
 * Outputs: `next:weight:NAME`, `next:m:NAME`, each of which may overwrite its input.
 */
export function muonGraph(specs: readonly ParameterSpec[]): Graph {
  const g = new Graph('muon');
  const hyper = Object.fromEntries(
    muonHyperparameterNames.map((name) => [name, g.input(name, 'float32', [])]),
  ) as Record<(typeof muonHyperparameterNames)[number], Value>;
  const norm = g.input('gradientNorm', 'float32', []);
  const matrices = specs.map(({ name, shape }) => ({
    ...{ name, shape: shape as readonly [out: number, inner: number] },
    gradient: g.input(`gradient:${name}`, 'float32', shape),
    weight: g.input(`weight:${name}`, 'float32', shape),
    m: g.input(`m:${name}`, 'float32', shape),
  }));
  const clip = clipFactor(g, norm, hyper.gradientNormMax);
  const keep = keptShare(g, hyper);
  for (const { name, shape, gradient, weight, m } of matrices) {
    const fresh = mul(g, mul(g, gradient, clip), hyper.oneMinusMomentum);
    const m1 = add(g, mul(g, m, hyper.momentum), fresh);
    const ahead = add(g, mul(g, m1, hyper.momentum), fresh);
    const stepSize = mul(g, hyper.learningRate, g.scalar(updateSize * Math.sqrt(Math.max(...shape))));
    g.output(`next:weight:${name}`, sub(g, mul(g, weight, keep), mul(g, orthogonalized(g, ahead), stepSize)));
    g.output(`next:m:${name}`, m1);
  }
  return g;
}

/** Approximates U V^T of a matrix U S V^T (Newton-Schulz). The Gram matrix x x^T has the size of its shorter side. */
export function orthogonalized(g: Graph, matrix: Value): Value {
  const [out, inner] = matrix.shape as [number, number];
  const isTall = out > inner;
  const wide = isTall ? transpose(g, matrix, [1, 0]) : matrix;
  let x = div(g, wide, max(g, sqrt(g, sumOfSquares(g, wide)), g.scalar(normMin)));
  for (let i = 0; i < iterationCount; i++) {
    const square = gemm(g, x, x, { transB: true });
    const factor = add(g, mul(g, square, g.scalar(b)), mul(g, gemm(g, square, square), g.scalar(c)));
    x = add(g, mul(g, x, g.scalar(a)), gemm(g, factor, x));
  }
  return isTall ? transpose(g, x, [1, 0]) : x;
}
