import { type Shape, broadcast, shapeText } from '../dim.ts';
import { add, cast, div, erf, exp, lessOrEqual, mul, neg, sub, tanh, unbroadcast, where } from '../build.ts';
import type { DType, Graph, Value } from '../ir.ts';
import type { ElementwiseOp, GradientContext, InferContext, OpRow, OpRows, TensorType } from '../op-row.ts';

export const elementwiseOps: OpRows<ElementwiseOp> = {
  Add: binary((_c, dy) => [dy, dy]),
  Sub: binary((c, dy) => [dy, neg(c.graph, dy)]),
  Mul: binary((c, dy) => [mul(c.graph, dy, input(c, 1)), mul(c.graph, dy, input(c, 0))]),
  Div: binary((c, dy) => {
    const da = div(c.graph, dy, input(c, 1));
    return [da, neg(c.graph, mul(c.graph, da, output(c)))];
  }),
  // On a tie the gradient goes to the first operand, so PPO's clipped minimum keeps the unclipped side.
  Min: binary((c, dy) => chosen(c, dy, lessOrEqual(c.graph, input(c, 0), input(c, 1)))),
  Max: binary((c, dy) => chosen(c, dy, lessOrEqual(c.graph, input(c, 1), input(c, 0)))),
  Neg: unary((c, dy) => neg(c.graph, dy), ['float32', 'int64']),
  Exp: unary((c, dy) => mul(c.graph, dy, output(c))),
  Log: unary((c, dy) => div(c.graph, dy, input(c, 0))),
  Sqrt: unary((c, dy) => div(c.graph, mul(c.graph, dy, c.graph.scalar(0.5)), output(c))),
  Reciprocal: unary((c, dy) => neg(c.graph, mul(c.graph, dy, mul(c.graph, output(c), output(c))))),
  Sigmoid: unary((c, dy) => {
    const y = output(c);
    return mul(c.graph, dy, sub(c.graph, y, mul(c.graph, y, y)));
  }),
  Tanh: unary((c, dy) => sub(c.graph, dy, mul(c.graph, dy, mul(c.graph, output(c), output(c))))),
  Erf: unary((c, dy) => {
    const g = c.graph;
    const density = exp(g, neg(g, mul(g, input(c, 0), input(c, 0))));
    return mul(g, dy, mul(g, density, g.scalar(2 / Math.sqrt(Math.PI))));
  }),
  Gelu: unary((c, dy) =>
    mul(c.graph, dy, c.node.attributes['approximate'] === 'tanh' ? geluSlopeByTanh(c) : geluSlopeByErf(c)),
  ),
  Identity: { domain: '', infer: ({ inputs }) => [typeOf(inputs, 0)], gradient: (c) => [outputGradient(c)] },
  Equal: comparison(['float32', 'int64', 'bool']),
  Less: comparison(['float32', 'int64']),
  LessOrEqual: comparison(['float32', 'int64']),
  Greater: comparison(['float32', 'int64']),
  And: comparison(['bool']),
  Or: comparison(['bool']),
  Not: {
    domain: '',
    infer: ({ inputs }) => {
      const type = typeOf(inputs, 0);
      if (type.dtype !== 'bool') throw new Error('needs bool');
      return [type];
    },
    gradient: 'none',
  },
  Where: {
    domain: '',
    infer: ({ inputs }) => {
      const [condition, a, b] = inputs;
      if (condition === undefined || a === undefined || b === undefined) throw new Error('needs condition, a, b');
      if (condition.dtype !== 'bool') throw new Error('the condition must be bool');
      if (a.dtype !== b.dtype) throw new Error('a and b must have one dtype');
      return [{ dtype: a.dtype, shape: fit(condition.shape, fit(a.shape, b.shape)) }];
    },
    gradient: (c) => {
      const dy = outputGradient(c);
      const zero = c.graph.scalar(0);
      const condition = input(c, 0);
      return [
        undefined,
        unbroadcast(c.graph, where(c.graph, condition, dy, zero), input(c, 1).shape),
        unbroadcast(c.graph, where(c.graph, condition, zero, dy), input(c, 2).shape),
      ];
    },
  },
  Cast: {
    domain: '',
    infer: ({ inputs, attributes }) => {
      const to = attributes['to'];
      if (to !== 'float32' && to !== 'int64' && to !== 'bool') throw new Error(`unknown dtype ${String(to)}`);
      return [{ dtype: to, shape: typeOf(inputs, 0).shape }];
    },
    // Only float32 carries gradients, and a Cast of float32 to itself is built only by `detach`, to stop them.
    gradient: 'none',
  },
};

function typeOf(inputs: readonly Value[], index: number): TensorType {
  const value = inputs[index];
  if (value === undefined) throw new Error(`needs input ${index}`);
  return { dtype: value.dtype, shape: value.shape };
}

function fit(a: Shape, b: Shape): Shape {
  const shape = broadcast(a, b);
  if (shape === undefined) throw new Error(`shapes ${shapeText(a)} and ${shapeText(b)} do not broadcast`);
  return shape;
}

function input(c: GradientContext, index: number): Value {
  return c.inputs[index] as Value;
}
function output(c: GradientContext): Value {
  return c.outputs[0] as Value;
}
function outputGradient(c: GradientContext): Value {
  return c.outputGradients[0] as Value;
}

function binary(rule: (c: GradientContext, dy: Value) => readonly [Value, Value]): OpRow {
  return {
    domain: '',
    infer: ({ inputs }: InferContext) => {
      const a = typeOf(inputs, 0);
      const b = typeOf(inputs, 1);
      if (a.dtype !== b.dtype || a.dtype === 'bool') throw new Error('needs two numbers of one dtype');
      return [{ dtype: a.dtype, shape: fit(a.shape, b.shape) }];
    },
    gradient: (c) =>
      rule(c, outputGradient(c)).map((gradient, index) => unbroadcast(c.graph, gradient, input(c, index).shape)),
  };
}

function unary(rule: (c: GradientContext, dy: Value) => Value, dtypes: readonly DType[] = ['float32']): OpRow {
  return {
    domain: '',
    infer: ({ inputs, attributes }) => {
      const type = typeOf(inputs, 0);
      if (!dtypes.includes(type.dtype)) throw new Error(`needs ${dtypes.join(' or ')}`);
      if ('approximate' in attributes && attributes['approximate'] !== 'tanh' && attributes['approximate'] !== 'none') {
        throw new Error('approximate must be tanh or none');
      }
      return [type];
    },
    gradient: (c) => [rule(c, outputGradient(c))],
  };
}

function comparison(dtypes: readonly DType[]): OpRow {
  return {
    domain: '',
    infer: ({ inputs }) => {
      const a = typeOf(inputs, 0);
      const b = typeOf(inputs, 1);
      if (a.dtype !== b.dtype || !dtypes.includes(a.dtype)) throw new Error(`needs two of ${dtypes.join(' or ')}`);
      return [{ dtype: 'bool', shape: fit(a.shape, b.shape) }];
    },
    gradient: 'none',
  };
}

function chosen(c: GradientContext, dy: Value, first: Value): readonly [Value, Value] {
  const taken = mul(c.graph, dy, cast(c.graph, first, 'float32'));
  return [taken, sub(c.graph, dy, taken)];
}

/** Phi(x) + x phi(x): distribution function and density of the standard normal distribution. */
function geluSlopeByErf(c: GradientContext): Value {
  const g: Graph = c.graph;
  const x = input(c, 0);
  const half = g.scalar(0.5);
  const share = add(g, mul(g, erf(g, mul(g, x, g.scalar(Math.SQRT1_2))), half), half);
  const density = mul(g, exp(g, neg(g, mul(g, mul(g, x, x), half))), g.scalar(1 / Math.sqrt(2 * Math.PI)));
  return add(g, share, mul(g, x, density));
}

/** Derivative of x/2 (1 + tanh(k (x + 0.044715 x^3))). */
function geluSlopeByTanh(c: GradientContext): Value {
  const g: Graph = c.graph;
  const x = input(c, 0);
  const scalar = (value: number): Value => g.scalar(value);
  const k = Math.sqrt(2 / Math.PI);
  const squared = mul(g, x, x);
  const t = tanh(g, mul(g, mul(g, x, scalar(k)), add(g, mul(g, squared, scalar(0.044715)), scalar(1))));
  const inner = add(g, mul(g, squared, scalar(3 * 0.044715 * k)), scalar(k));
  // 0.5 (1 + t) + 0.5 x (1 - t^2) inner
  const left = add(g, mul(g, t, scalar(0.5)), scalar(0.5));
  const right = mul(g, mul(g, mul(g, x, scalar(0.5)), sub(g, scalar(1), mul(g, t, t))), inner);
  return add(g, left, right);
}
