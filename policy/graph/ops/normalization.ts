import { type Dim, sameShape } from '../dim.ts';
import { mul, neg, reduceMean, reduceSum, rotaryEmbedding, sub } from '../build.ts';
import type { Value } from '../ir.ts';
import type { GradientContext, InferContext, NormalizationOp, OpRows } from '../op-row.ts';

export const normalizationOps: OpRows<NormalizationOp> = {
  /** Outputs: Y, mean, 1/standard deviation; the last two are used by the gradient. */
  LayerNormalization: {
    domain: '',
    infer: (context) => {
      const { x, statistics } = normalized(context, 3);
      return [x, statistics, statistics];
    },
    gradient: (c) => {
      const g = c.graph;
      const [x, scale] = c.inputs as [Value, Value];
      const [, mean, inverse] = c.outputs as [Value, Value, Value];
      const dy = gradientOfFirst(c);
      const xHat = mul(g, sub(g, x, mean), inverse);
      const dxHat = mul(g, dy, scale);
      const centered = sub(g, dxHat, reduceMean(g, dxHat, [-1]));
      const dx = mul(g, inverse, sub(g, centered, mul(g, xHat, reduceMean(g, mul(g, dxHat, xHat), [-1]))));
      return [dx, sumRows(c, mul(g, dy, xHat)), sumRows(c, dy)];
    },
  },
  /** Outputs: Y, 1/rms (SimplifiedLayerNormalization of ONNX Runtime: RMS norm). */
  SimplifiedLayerNormalization: {
    domain: '',
    infer: (context) => {
      const { x, statistics } = normalized(context, 2);
      return [x, statistics];
    },
    gradient: (c) => {
      const g = c.graph;
      const [x, scale] = c.inputs as [Value, Value];
      const inverse = c.outputs[1] as Value;
      const dy = gradientOfFirst(c);
      const xHat = mul(g, x, inverse);
      const weighted = mul(g, dy, xHat);
      const dx = mul(g, inverse, sub(g, mul(g, dy, scale), mul(g, xHat, reduceMean(g, mul(g, weighted, scale), [-1]))));
      return [dx, sumRows(c, weighted)];
    },
  },
  RotaryEmbedding: {
    domain: 'com.microsoft',
    infer: (context) => {
      const [x, positions, cosine, sine] = context.inputs;
      if (x === undefined || positions === undefined || cosine === undefined || sine === undefined)
        throw new Error('needs x, positions, cosine, sine');
      if ([x, cosine, sine].some(({ dtype }) => dtype !== 'float32')) throw new Error('x and tables must be float32');
      const size = x.shape[3];
      if (x.shape.length !== 4 || typeof size !== 'number') throw new Error('x must be [B, H, S, d] with d known');
      if (positions.dtype !== 'int64' || !sameShape(positions.shape, [x.shape[0] as Dim, x.shape[2] as Dim]))
        throw new Error('positions must be int64 [B, S]');
      if (cosine.shape[1] !== size / 2 || !sameShape(cosine.shape, sine.shape))
        throw new Error(`tables must be [positions, ${size / 2}]`);
      return [{ dtype: 'float32', shape: x.shape }];
    },
    // A rotation's transpose is the rotation by the opposite angle. Positions and tables get no gradient.
    gradient: (c) => {
      const [, positions, cosine, sine] = c.inputs as [Value, Value, Value, Value];
      return [
        rotaryEmbedding(c.graph, c.outputGradients[0] as Value, positions, cosine, neg(c.graph, sine)),
        undefined,
        undefined,
        undefined,
      ];
    },
  },
};

function normalized(
  context: InferContext,
  inputCount: number,
): { x: { dtype: 'float32'; shape: readonly Dim[] }; statistics: { dtype: 'float32'; shape: readonly Dim[] } } {
  const [x, ...parameters] = context.inputs;
  if (x === undefined || context.inputs.length !== inputCount) throw new Error(`needs ${inputCount} inputs`);
  if (context.inputs.some(({ dtype }) => dtype !== 'float32')) throw new Error('needs float32');
  if (context.attributes['axis'] !== -1) throw new Error('normalises the last axis only (axis=-1)');
  const width = x.shape.at(-1);
  for (const parameter of parameters) {
    if (width === undefined || !sameShape(parameter.shape, [width]))
      throw new Error(`${parameter.name} must be [${width}]`);
  }
  return {
    x: { dtype: 'float32', shape: x.shape },
    statistics: { dtype: 'float32', shape: [...x.shape.slice(0, -1), 1] },
  };
}

/** Gradient of the first output. Throws if the loss depends on the statistics, whose gradient would be lost. */
function gradientOfFirst(c: GradientContext): Value {
  const [dy, ...others] = c.outputGradients;
  if (dy === undefined || others.some((other) => other !== undefined))
    throw new Error('mean, deviation and rms have no gradient rule');
  return dy;
}

/** Sum over all axes except the last: the gradient of a parameter that all rows share. */
function sumRows(c: GradientContext, x: Value): Value {
  return reduceSum(
    c.graph,
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
    false,
  );
}
