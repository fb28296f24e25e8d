/**
 * AdamW with decoupled weight decay (arXiv 1711.05101) and global-norm clipping: one graph computes the norm of all
 * gradients, another updates some of the tensors. Bias corrections are scalar inputs, which the caller computes in
 * float64.
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

/** Inputs: `gradient:NAME` for every trained tensor. Output: `gradientNorm` [], the global L2 norm before clipping. */
export function gradientNormGraph(specs: readonly ParameterSpec[]): Graph {
  const g = new Graph('gradientNorm');
  // Summed per tensor: a single long sum over all gradients would lose accuracy.
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
 * Inputs: `gradient:NAME`, `weight:NAME`, `m:NAME`, `v:NAME` for every tensor, the hyperparameters, and
 * `gradientNorm` [].
 * Outputs: `next:weight:NAME`, `next:m:NAME`, `next:v:NAME`. Each output may overwrite its input: no node reads a
 * tensor's weight, m or v after the node that reads it for its own output.
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

/** []: factor on the gradients that limits their norm to `normMax`. */
export function clipFactor(g: Graph, norm: Value, normMax: Value): Value {
  return min(g, div(g, normMax, add(g, norm, g.scalar(clipEpsilon))), g.scalar(1));
}

/** []: factor on a weight from decoupled weight decay. */
export function keptShare(g: Graph, hyper: { readonly learningRate: Value; readonly weightDecay: Value }): Value {
  return sub(g, g.scalar(1), mul(g, hyper.learningRate, hyper.weightDecay));
}

/** Whether weight decay applies: not to norm scales and biases. */
function decays(spec: ParameterSpec): boolean {
  return spec.role !== 'scale' && spec.role !== 'bias';
}
