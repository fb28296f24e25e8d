import { type Dim, type Shape, axisOf, broadcast, product, sameShape, shapeText } from '../dim.ts';
import {
  concat,
  expand,
  freshZeros,
  gatherElements,
  gatherOnce,
  oneHot,
  reshape,
  scatterAdd,
  gemm,
  split,
  transpose,
  unbroadcast,
  zeros,
} from '../build.ts';
import type { Value } from '../ir.ts';
import type { GradientContext, InferContext, MovementOp, OpRows } from '../op-row.ts';

/** Row count up to which the gradient of a table look-up is a one-hot matrix product; above, scattering is faster. */
const oneHotRowCountMax = 256;

export const movementOps: OpRows<MovementOp> = {
  Reshape: {
    domain: '',
    infer: (context) => {
      const x = need(context, 0);
      const shape = shapeAttribute(context);
      if (product(x.shape) !== product(shape))
        throw new Error(`${shapeText(x.shape)} does not hold as many elements as ${shapeText(shape)}`);
      return [{ dtype: x.dtype, shape }];
    },
    gradient: (c) => [reshape(c.graph, gradientOf(c), inputOf(c, 0).shape), undefined],
  },
  Transpose: {
    domain: '',
    infer: (context) => {
      const x = need(context, 0);
      const perm = context.attributes['perm'] as readonly number[];
      if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== x.shape.length)
        throw new Error(`perm ${perm.join(',')} is not a permutation of ${x.shape.length} axes`);
      return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis] as Dim) }];
    },
    gradient: (c) => {
      const perm = c.node.attributes['perm'] as readonly number[];
      return [
        transpose(
          c.graph,
          gradientOf(c),
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
      ];
    },
  },
  Concat: {
    domain: '',
    infer: (context) => {
      const axis = context.attributes['axis'] as number;
      const first = need(context, 0);
      const others = first.shape.filter((_, i) => i !== axis);
      for (const value of context.inputs) {
        if (
          value.dtype !== first.dtype ||
          !sameShape(
            value.shape.filter((_, i) => i !== axis),
            others,
          )
        )
          throw new Error(`${value.name} differs from the others in more than axis ${axis}`);
      }
      const dims = context.inputs.map((value) => value.shape[axis] as Dim);
      const total = sumOf(dims);
      return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? total : dim)) }];
    },
    gradient: (c) => {
      const axis = c.node.attributes['axis'] as number;
      return split(
        c.graph,
        gradientOf(c),
        axis,
        c.inputs.map((value) => value.shape[axis] as Dim),
      );
    },
  },
  Slice: {
    domain: '',
    infer: (context) => {
      const x = need(context, 0);
      const [start, end, axis] = [1, 2, 3].map((index) => constantInt(context, index)) as [number, number, number];
      const dim = x.shape[axis];
      if (start < 0 || end <= start || (typeof dim === 'number' && end > dim))
        throw new Error(`[${start}:${end}] is outside axis ${axis} of ${shapeText(x.shape)}`);
      return [{ dtype: x.dtype, shape: x.shape.map((size, i) => (i === axis ? end - start : size)) }];
    },
    gradient: (c) => {
      const x = inputOf(c, 0);
      const dy = gradientOf(c);
      const [start, end, axis] = [1, 2, 3].map((index) => constantInt(c, index)) as [number, number, number];
      const dim = x.shape[axis];
      if (typeof dim !== 'number') throw new Error('Slice of an axis of unknown size has no gradient rule');
      const pad = (size: number): Value[] =>
        size === 0
          ? []
          : [
              zeros(
                c.graph,
                x.shape.map((d, i) => (i === axis ? size : d)),
              ),
            ];
      return [concat(c.graph, [...pad(start), dy, ...pad(dim - end)], axis), undefined, undefined, undefined];
    },
  },
  Split: {
    domain: '',
    infer: (context) => {
      const x = need(context, 0);
      const axis = context.attributes['axis'] as number;
      const parts = dimsIn(context.attributes['parts'] as string);
      if (sumOf(parts) !== x.shape[axis])
        throw new Error(`parts ${parts.join('+')} do not add up to axis ${axis} of ${shapeText(x.shape)}`);
      return parts.map((part) => ({ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? part : dim)) }));
    },
    gradient: (c) => {
      const parts = c.outputs.map((part, index) => c.outputGradients[index] ?? zeros(c.graph, part.shape));
      return [concat(c.graph, parts, c.node.attributes['axis'] as number), undefined];
    },
  },
  Expand: {
    domain: '',
    infer: (context) => {
      const x = need(context, 0);
      const shape = shapeAttribute(context);
      if (broadcast(x.shape, shape)?.every((dim, axis) => dim === shape[axis]) !== true)
        throw new Error(`${shapeText(x.shape)} does not broadcast to ${shapeText(shape)}`);
      return [{ dtype: x.dtype, shape }];
    },
    gradient: (c) => [unbroadcast(c.graph, gradientOf(c), inputOf(c, 0).shape), undefined],
  },
  Gather: {
    domain: '',
    infer: (context) => {
      const [x, indices] = [need(context, 0), need(context, 1)];
      const axis = axisOf(context.attributes['axis'] as number, x.shape.length);
      if (indices.dtype !== 'int64') throw new Error('indices must be int64');
      return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
    },
    gradient: gatherGradient,
  },
  GatherElements: {
    domain: '',
    infer: (context) => {
      const [x, indices] = [need(context, 0), need(context, 1)];
      if (indices.dtype !== 'int64' || indices.shape.length !== x.shape.length)
        throw new Error('indices must be int64 with as many axes as x');
      return [{ dtype: x.dtype, shape: indices.shape }];
    },
    gradient: (c) => {
      const x = inputOf(c, 0);
      const axis = c.node.attributes['axis'] as number;
      return [scatterAdd(c.graph, zeros(c.graph, x.shape), inputOf(c, 1), gradientOf(c), axis), undefined];
    },
  },
  ScatterElements: {
    domain: '',
    infer: (context) => {
      const [base, indices, updates] = [need(context, 0), need(context, 1), need(context, 2)];
      if (context.attributes['reduction'] !== 'add') throw new Error('only reduction=add is legal here');
      if (indices.dtype !== 'int64' || !sameShape(indices.shape, updates.shape))
        throw new Error('indices must be int64 and shaped like updates');
      if (base.dtype === 'bool' || updates.dtype !== base.dtype) throw new Error('needs two numbers of one dtype');
      return [{ dtype: base.dtype, shape: base.shape }];
    },
    gradient: (c) => [
      gradientOf(c),
      undefined,
      gatherElements(c.graph, gradientOf(c), inputOf(c, 1), c.node.attributes['axis'] as number),
    ],
  },
  Shape: {
    domain: '',
    infer: (context) => [{ dtype: 'int64', shape: [need(context, 0).shape.length] }],
    gradient: 'none',
  },
  ConstantOfShape: {
    domain: '',
    infer: (context) => [{ dtype: 'float32', shape: shapeAttribute(context) }],
    gradient: 'none',
  },
  OneHot: {
    domain: '',
    infer: (context) => {
      const indices = need(context, 0);
      if (indices.dtype !== 'int64') throw new Error('indices must be int64');
      return [{ dtype: 'float32', shape: [...indices.shape, context.attributes['depth'] as number] }];
    },
    gradient: 'none',
  },
};

/** Gradient of a row look-up: adds each output row's gradient to the table row that it came from. */
function gatherGradient(c: GradientContext): (Value | undefined)[] {
  const g = c.graph;
  const [x, indices] = [inputOf(c, 0), inputOf(c, 1)];
  const dy = gradientOf(c);
  const [rows, ...rest] = x.shape as [Dim, ...Dim[]];
  if (axisOf(c.node.attributes['axis'] as number, x.shape.length) !== 0)
    throw new Error('Gather has a gradient rule for axis 0 only');
  const inverse = c.inputs[2];
  if (inverse !== undefined) {
    const [count, flat] = [product(indices.shape), product(rest)];
    const back = gatherOnce(g, reshape(g, dy, [count, flat]), inverse, reshape(g, indices, [count]));
    return [reshape(g, back, x.shape), undefined, undefined];
  }
  const width = product(rest);
  const count = product(indices.shape);
  const flatIndices = reshape(g, indices, [count]);
  const flatGradient = reshape(g, dy, [count, width]);
  if (typeof rows === 'number' && rows <= oneHotRowCountMax) {
    return [reshape(g, gemm(g, oneHot(g, flatIndices, rows), flatGradient, { transA: true }), x.shape), undefined];
  }
  const spread = expand(g, reshape(g, flatIndices, [count, 1]), [count, width]);
  const base =
    typeof rows === 'number' && typeof width === 'number'
      ? freshZeros(g, [rows, width], flatIndices)
      : zeros(g, [rows, width]);
  return [reshape(g, scatterAdd(g, base, spread, flatGradient, 0), x.shape), undefined];
}

/** Concatenated length: a number, or a symbol such as `P+2xT` that lists the parts in order. */
function sumOf(dims: readonly Dim[]): Dim {
  if (dims.every((dim) => typeof dim === 'number')) return dims.reduce((a, b) => a + b, 0);
  return dims.map((dim) => String(dim).replaceAll('*', 'x')).join('+');
}

function need(context: InferContext, index: number): Value {
  const value = context.inputs[index];
  if (value === undefined) throw new Error(`needs input ${index}`);
  return value;
}

function shapeAttribute(context: InferContext): Shape {
  return dimsIn(context.attributes['shape'] as string);
}

function dimsIn(text: string): Dim[] {
  return text === '' ? [] : text.split(',').map((dim) => (Number.isInteger(Number(dim)) ? Number(dim) : dim));
}

function constantInts(context: Pick<InferContext, 'graph' | 'inputs'>, index: number): number[] {
  const value = context.inputs[index];
  const data = value === undefined ? undefined : context.graph.constantData(value);
  if (!(data instanceof BigInt64Array)) throw new Error(`input ${index} must be a constant int64`);
  return [...data].map(Number);
}

function constantInt(context: Pick<InferContext, 'graph' | 'inputs'>, index: number): number {
  return constantInts(context, index)[0] as number;
}

function inputOf(c: GradientContext, index: number): Value {
  return c.inputs[index] as Value;
}

function gradientOf(c: GradientContext): Value {
  return c.outputGradients[0] as Value;
}
