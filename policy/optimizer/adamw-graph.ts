/**
 * AdamW with decoupled weight decay (arXiv 1711.05101) and global-norm clipping: one graph for the norm of all tensors,
 * and one that updates some of them. Bias corrections are computed outside, in float64, and come in as scalars.
 */
import { add, div, min, mul, sqrt, sub, sumOfSquares } from '../graph/build.ts';
import { Graph, type Value } from '../graph/ir.ts';
import type { ParameterSpec } from '../models/parameters.ts';

/** Scalars of one update; all float32 []. */
export const hyperparameterNames = [
  'learningRate',
  'beta1',
  'oneMinusBeta1',
  'beta2',
  'oneMinusBeta2',
  'correction1',
  'correction2',
  'epsilon',
  'weightDecay',
  'gradientNormMax',
] as const;

export type Hyperparameters = Readonly<Record<(typeof hyperparameterNames)[number], number>>;

/** torch.nn.utils.clip_grad_norm_ adds this to the norm. */
const clipEpsilon = 1e-6;

/** Inputs: `gradient:NAME` for every tensor that learns. Output: `gradientNorm` [], the global L2 norm before clipping. */
export function gradientNormGraph(specs: readonly ParameterSpec[]): Graph {
  const g = new Graph('gradientNorm');
  // Tensor by tensor: one flat vector of all gradients would lose accuracy in a single long sum.
  const squares = specs.map(({ name, shape }) => sumOfSquares(g, g.input(`gradient:${name}`, 'float32', shape)));
  g.output(
    'gradientNorm',
    sqrt(
      g,
      squares.reduce((a, b) => add(g, a, b)),
    ),
  );
  return g;
}

/**
 * Inputs: `gradient:NAME`, `weight:NAME`, `m:NAME`, `v:NAME` for every tensor, the hyperparameters, and `gradientNorm` [].
 * Outputs: `next:weight:NAME`, `next:m:NAME`, `next:v:NAME`. Each of these may be written over its input: a tensor's
 * weight, m and v are read by no node behind the one that reads them for its own output.
 */
export function adamwGraph(specs: readonly ParameterSpec[]): Graph {
  const g = new Graph('adamw');
  const hyper = Object.fromEntries(hyperparameterNames.map((name) => [name, g.input(name, 'float32', [])])) as Record<
    (typeof hyperparameterNames)[number],
    Value
  >;
  const norm = g.input('gradientNorm', 'float32', []);
  const tensors = specs.map((spec) => ({
    spec,
    gradient: g.input(`gradient:${spec.name}`, 'float32', spec.shape),
    weight: g.input(`weight:${spec.name}`, 'float32', spec.shape),
    m: g.input(`m:${spec.name}`, 'float32', spec.shape),
    v: g.input(`v:${spec.name}`, 'float32', spec.shape),
  }));
  const clip = clipFactor(g, norm, hyper.gradientNormMax);
  const stepSize = mul(g, hyper.learningRate, hyper.correction1);
  const keep = keptShare(g, hyper);
  for (const { spec, gradient, weight, m, v } of tensors) {
    const clipped = mul(g, gradient, clip);
    const m1 = add(g, mul(g, m, hyper.beta1), mul(g, clipped, hyper.oneMinusBeta1));
    const v1 = add(g, mul(g, v, hyper.beta2), mul(g, mul(g, clipped, clipped), hyper.oneMinusBeta2));
    const deviation = add(g, sqrt(g, mul(g, v1, hyper.correction2)), hyper.epsilon);
    const decayed = decays(spec) ? mul(g, weight, keep) : weight;
    g.output(`next:weight:${spec.name}`, sub(g, decayed, div(g, mul(g, m1, stepSize), deviation)));
    g.output(`next:m:${spec.name}`, m1);
    g.output(`next:v:${spec.name}`, v1);
  }
  return g;
}

/** [], what gradients are multiplied by so that their norm is at most the ceiling. */
export function clipFactor(g: Graph, norm: Value, normMax: Value): Value {
  return min(g, div(g, normMax, add(g, norm, g.scalar(clipEpsilon))), g.scalar(1));
}

/** [], what decoupled decay leaves of a weight. */
export function keptShare(g: Graph, hyper: { readonly learningRate: Value; readonly weightDecay: Value }): Value {
  return sub(g, g.scalar(1), mul(g, hyper.learningRate, hyper.weightDecay));
}

/** Norm scales and biases are left out of weight decay. */
function decays(spec: ParameterSpec): boolean {
  return spec.role !== 'scale' && spec.role !== 'bias';
}
