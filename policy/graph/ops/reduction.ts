import { type Dim, axisOf, product } from '../dim.ts';
import { cast, cumSum, equal, exp, expand, mul, reduceSum, reshape, sub } from '../build.ts';
import type { DType, Value } from '../ir.ts';
import type { GradientContext, InferContext, OpRow, OpRows, ReductionOp, TensorType } from '../op-row.ts';

export const reductionOps: OpRows<ReductionOp> = {
  ReduceSum: reduction((c, dy) => expand(c.graph, dy, inputOf(c).shape), ['float32', 'int64']),
  ReduceMean: reduction((c, dy) => {
    const count = product(axesOf(c).map((axis) => inputOf(c).shape[axis] as Dim));
    if (typeof count !== 'number') throw new Error('ReduceMean over an axis of unknown size has no gradient rule');
    return expand(c.graph, mul(c.graph, dy, c.graph.scalar(1 / count)), inputOf(c).shape);
  }),
  // On ties every maximal element gets the gradient: the maximum is used where its value cancels, as in log-sum-exp.
  ReduceMax: reduction((c, dy, y) => mul(c.graph, dy, cast(c.graph, equal(c.graph, inputOf(c), y), 'float32'))),
  ReduceSumSquare: reduction((c, dy) => mul(c.graph, mul(c.graph, dy, c.graph.scalar(2)), inputOf(c))),
  ArgMax: {
    domain: '',
    infer: (context) => {
      const x = first(context, ['float32']);
      const axis = context.attributes['axis'] as number;
      if (x.shape[axis] === undefined) throw new Error(`axis ${axis} is outside ${x.shape.length} axes`);
      return [{ dtype: 'int64', shape: x.shape.map((dim, i) => (i === axis ? 1 : dim)) }];
    },
    gradient: 'none',
  },
  TopK: {
    domain: '',
    infer: (context) => {
      const { shape } = overLastAxis(context);
      const { largest, sorted } = context.attributes;
      if (largest !== 1 || sorted !== 1) throw new Error('supports only largest and sorted');
      const [k] = constantInts(context, 'k');
      const width = shape.at(-1);
      if (k === undefined || typeof width !== 'number' || k < 1 || k > width)
        throw new Error(`k must be 1 to ${width}, not ${k}`);
      const kept = [...shape.slice(0, -1), k];
      return [
        { dtype: 'float32', shape: kept },
        { dtype: 'int64', shape: kept },
      ];
    },
    // No gradient rule: only sampling uses TopK.
  },
  CumSum: {
    domain: '',
    infer: (context) => {
      constantAxes(context);
      return [typeOf(first(context, ['float32', 'int64']))];
    },
    gradient: (c) => {
      // The gradient of a cumulative sum is the reverse cumulative sum: total - cumulative + own.
      const axis = Number((c.graph.constantData(c.inputs[1] as Value) as BigInt64Array)[0]);
      const dy = c.outputGradients[0] as Value;
      const total = reduceSum(c.graph, dy, [axis]);
      return [sub(c.graph, total, sub(c.graph, cumSum(c.graph, dy, axis), dy)), undefined];
    },
  },
  Softmax: {
    domain: '',
    infer: (context) => [overLastAxis(context)],
    gradient: (c) => {
      // dx = p (dp - sum(dp p))
      const p = c.outputs[0] as Value;
      const weighted = mul(c.graph, c.outputGradients[0] as Value, p);
      return [sub(c.graph, weighted, mul(c.graph, p, reduceSum(c.graph, weighted, [-1])))];
    },
  },
  LogSoftmax: {
    domain: '',
    infer: (context) => [overLastAxis(context)],
    gradient: (c) => {
      const dy = c.outputGradients[0] as Value;
      const p = exp(c.graph, c.outputs[0] as Value);
      return [sub(c.graph, dy, mul(c.graph, p, reduceSum(c.graph, dy, [-1])))];
    },
  },
};

function reduction(
  rule: (c: GradientContext, dy: Value, y: Value) => Value,
  dtypes: readonly DType[] = ['float32'],
): OpRow {
  return {
    domain: '',
    infer: (context) => {
      const x = first(context, dtypes);
      const axes = constantAxes(context);
      if (axes.length === 0) throw new Error('needs at least one axis');
      if (axes.some((axis) => axis < 0 || axis >= x.shape.length))
        throw new Error(`axes ${axes.join(',')} are outside ${x.shape.length} axes`);
      const shape =
        context.attributes['keepdims'] === 1
          ? x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim))
          : x.shape.filter((_, i) => !axes.includes(i));
      return [{ dtype: x.dtype, shape }];
    },
    gradient: (c) => {
      const kept = inputOf(c).shape.map((dim, i) => (axesOf(c).includes(i) ? 1 : dim));
      return [
        rule(c, reshape(c.graph, c.outputGradients[0] as Value, kept), reshape(c.graph, c.outputs[0] as Value, kept)),
        undefined,
      ];
    },
  };
}

function constantAxes(context: Pick<InferContext, 'graph' | 'inputs'>): number[] {
  return constantInts(context, 'axes');
}

/** Values of the second input, which must be constant. */
function constantInts(context: Pick<InferContext, 'graph' | 'inputs'>, what: string): number[] {
  const value = context.inputs[1];
  const data = value === undefined ? undefined : context.graph.constantData(value);
  if (!(data instanceof BigInt64Array)) throw new Error(`${what} must be a constant int64`);
  return [...data].map(Number);
}

function axesOf(c: GradientContext): number[] {
  return constantAxes(c).map((axis) => axisOf(axis, inputOf(c).shape.length));
}

function first(context: InferContext, dtypes: readonly DType[]): Value {
  const x = context.inputs[0];
  if (x === undefined) throw new Error('needs an input');
  if (!dtypes.includes(x.dtype)) throw new Error(`needs ${dtypes.join(' or ')}`);
  return x;
}

function typeOf(x: Value): TensorType {
  return { dtype: x.dtype, shape: x.shape };
}

function overLastAxis(context: InferContext): TensorType {
  const x = first(context, ['float32']);
  // The gradient rules sum over the last axis.
  if (context.attributes['axis'] !== -1 || x.shape.length === 0)
    throw new Error('works on the last axis only (axis=-1)');
  return typeOf(x);
}

function inputOf(c: GradientContext): Value {
  return c.inputs[0] as Value;
}
