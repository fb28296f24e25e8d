/** One function an op: the language in which models, objectives and gradient rules are written. */
import { type Dim, type Shape, axisOf, sameShape, symbolsOf } from './dim.ts';
import type { DType, Graph, Value } from './ir.ts';
import type { OpName } from './op-row.ts';

function one(
  graph: Graph,
  op: OpName,
  inputs: readonly Value[],
  attributes: Record<string, number | string | readonly number[]> = {},
): Value {
  return graph.op(op, inputs, { attributes })[0] as Value;
}

/** An operand that was expanded to the shape of the other is not: the op broadcasts it. */
function narrow(a: Value, b: Value): [Value, Value] {
  return [unexpanded(a, b), unexpanded(b, a)];
}

function unexpanded(x: Value, other: Value): Value {
  const source = x.producer?.op === 'Expand' && other.producer?.op !== 'Expand' ? x.producer.inputs[0] : undefined;
  return source !== undefined && sameShape(x.shape, other.shape) ? source : x;
}

export const add = (g: Graph, a: Value, b: Value): Value => one(g, 'Add', narrow(a, b));
export const sub = (g: Graph, a: Value, b: Value): Value => one(g, 'Sub', narrow(a, b));
export const mul = (g: Graph, a: Value, b: Value): Value => one(g, 'Mul', narrow(a, b));
export const div = (g: Graph, a: Value, b: Value): Value => one(g, 'Div', [a, b]);
export const min = (g: Graph, a: Value, b: Value): Value => one(g, 'Min', [a, b]);
export const max = (g: Graph, a: Value, b: Value): Value => one(g, 'Max', [a, b]);
export const neg = (g: Graph, x: Value): Value => one(g, 'Neg', [x]);
export const exp = (g: Graph, x: Value): Value => one(g, 'Exp', [x]);
export const log = (g: Graph, x: Value): Value => one(g, 'Log', [x]);
export const sqrt = (g: Graph, x: Value): Value => one(g, 'Sqrt', [x]);
export const reciprocal = (g: Graph, x: Value): Value => one(g, 'Reciprocal', [x]);
export const sigmoid = (g: Graph, x: Value): Value => one(g, 'Sigmoid', [x]);
export const tanh = (g: Graph, x: Value): Value => one(g, 'Tanh', [x]);
export const erf = (g: Graph, x: Value): Value => one(g, 'Erf', [x]);
/** approximate: `tanh` as SigLIP has it, `none` for erf. */
export const gelu = (g: Graph, x: Value, approximate: 'tanh' | 'none'): Value => one(g, 'Gelu', [x], { approximate });
export const equal = (g: Graph, a: Value, b: Value): Value => one(g, 'Equal', [a, b]);
export const less = (g: Graph, a: Value, b: Value): Value => one(g, 'Less', [a, b]);
export const lessOrEqual = (g: Graph, a: Value, b: Value): Value => one(g, 'LessOrEqual', [a, b]);
export const greater = (g: Graph, a: Value, b: Value): Value => one(g, 'Greater', [a, b]);
export const and = (g: Graph, a: Value, b: Value): Value => one(g, 'And', [a, b]);
export const or = (g: Graph, a: Value, b: Value): Value => one(g, 'Or', [a, b]);
export const not = (g: Graph, a: Value): Value => one(g, 'Not', [a]);
export const where = (g: Graph, condition: Value, a: Value, b: Value): Value => one(g, 'Where', [condition, a, b]);
export const cast = (g: Graph, x: Value, to: DType): Value => (x.dtype === to ? x : one(g, 'Cast', [x], { to }));
/** The same values, through which no gradient flows. */
export const detach = (g: Graph, x: Value): Value => one(g, 'Cast', [x], { to: x.dtype });
export const identity = (g: Graph, x: Value): Value => one(g, 'Identity', [x]);

export const matMul = (g: Graph, a: Value, b: Value): Value => one(g, 'MatMul', [a, b]);

/** alpha * op(a) @ op(b), batched; op transposes the last two axes (com.microsoft FusedMatMul). */
export function fusedMatMul(
  g: Graph,
  a: Value,
  b: Value,
  options: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): Value {
  return one(g, 'FusedMatMul', [a, b], {
    transA: options.transA === true ? 1 : 0,
    transB: options.transB === true ? 1 : 0,
    alpha: options.alpha ?? 1,
  });
}

/** op(a) @ op(b) + c for matrices (ONNX Gemm). An operand that was transposed is read where it lay before. */
export function gemm(
  g: Graph,
  a: Value,
  b: Value,
  options: { transA?: boolean; transB?: boolean; c?: Value } = {},
): Value {
  const [left, transA] = untransposed(a, options.transA === true);
  const [right, transB] = untransposed(b, options.transB === true);
  return one(g, 'Gemm', options.c === undefined ? [left, right] : [left, right, options.c], {
    transA: transA ? 1 : 0,
    transB: transB ? 1 : 0,
  });
}

function untransposed(x: Value, isTransposed: boolean): [Value, boolean] {
  const source = x.producer?.op === 'Transpose' ? x.producer.inputs[0] : undefined;
  return source === undefined ? [x, isTransposed] : [source, !isTransposed];
}

/** x [N, in] times a weight in Hugging Face's layout [out, in], plus bias [out] or a residual [N, out]. */
export const linear = (g: Graph, x: Value, weight: Value, c?: Value): Value =>
  gemm(g, x, weight, c === undefined ? { transB: true } : { transB: true, c });

/** Sizes as an int64 vector [rank], read from the tensors that have them. */
export function sizes(g: Graph, dims: Shape): Value {
  if (dims.every((dim) => typeof dim === 'number')) return g.int64(dims);
  // Inside a loop body, what does not change from one iteration to the next is computed once, outside.
  const sources = dims.flatMap(symbolsOf).map((symbol) => g.symbolSource(symbol).graph);
  const home = sources.includes(g) ? g : (sources[0] ?? g);
  return concat(
    home,
    dims.map((dim) => sizeOf(home, dim)),
    0,
  );
}

function sizeOf(g: Graph, dim: Dim): Value {
  const factors = symbolsOf(dim).map((symbol): Value => {
    const source = g.symbolSource(symbol);
    return gather(g, one(g, 'Shape', [source.value]), g.int64([source.axis]), 0);
  });
  const coefficient =
    typeof dim === 'number' ? dim : Number(dim.split('*').find((factor) => Number.isInteger(Number(factor))) ?? 1);
  const all = coefficient === 1 && factors.length > 0 ? factors : [g.int64([coefficient]), ...factors];
  return all.reduce((a, b) => mul(g, a, b));
}

/** The target shape for ONNX Reshape: numbers, at most one -1, 0 for an unchanged axis; computed only when necessary. */
export function reshape(g: Graph, x: Value, shape: Shape): Value {
  if (sameShape(shape, x.shape)) return x;
  const before = x.producer?.op === 'Reshape' ? (x.producer.inputs[0] as Value) : undefined;
  // What is reshaped twice is reshaped once.
  if (before !== undefined && constantTarget(before, shape) !== undefined) return reshape(g, before, shape);
  const target = constantTarget(x, shape);
  // The attribute carries the symbolic shape for inference and printing; it is not part of the ONNX node.
  return one(g, 'Reshape', [x, target === undefined ? sizes(g, shape) : g.int64(target)], { shape: shape.join(',') });
}

/** undefined where sizes must be read from tensors. */
function constantTarget(x: Value, shape: Shape): number[] | undefined {
  const symbolic = shape.filter((dim) => typeof dim === 'string').length;
  if (symbolic <= 1) return shape.map((dim) => (typeof dim === 'number' ? dim : -1));
  const unknown = shape.filter((dim, axis) => typeof dim === 'string' && dim !== x.shape[axis]).length;
  if (unknown > 1) return undefined;
  return shape.map((dim, axis) => (typeof dim === 'number' ? dim : dim === x.shape[axis] ? 0 : -1));
}

export function transpose(g: Graph, x: Value, perm: readonly number[]): Value {
  // Only axes of one element change places: the data stay where they are.
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number)))
    return reshape(
      g,
      x,
      perm.map((axis) => x.shape[axis] as Dim),
    );
  return one(g, 'Transpose', [x], { perm });
}

export const concat = (g: Graph, values: readonly Value[], axis: number): Value =>
  values.length === 1
    ? (values[0] as Value)
    : one(g, 'Concat', values, { axis: axisOf(axis, (values[0] as Value).shape.length) });

/** x[start:end] along an axis; the size must be known. */
export function slice(g: Graph, x: Value, axis: number, start: number, end: number): Value {
  return one(g, 'Slice', [x, g.int64([start]), g.int64([end]), g.int64([axisOf(axis, x.shape.length)])]);
}

/** Parts along an axis. */
export function split(g: Graph, x: Value, axis: number, parts: readonly Dim[]): Value[] {
  const attributes = { axis: axisOf(axis, x.shape.length), parts: parts.join(',') };
  return g.op('Split', [x, sizes(g, parts)], { attributes });
}

/** Broadcast to a shape whose sizes may be known only at run time. */
export function expand(g: Graph, x: Value, shape: Shape): Value {
  return one(g, 'Expand', [x, sizes(g, shape)], { shape: shape.join(',') });
}

export const gather = (g: Graph, x: Value, indices: Value, axis: number): Value =>
  one(g, 'Gather', [x, indices], { axis });
/**
 * Rows of a matrix [R, d] in another order; the gradient is the rows back in theirs, which is faster than adding them up.
 * @param inverse int64 [R]: where among the results each row stands. Of one that stands several times any place will do,
 *   if the loss depends on none of them
 */
export const gatherOnce = (g: Graph, x: Value, indices: Value, inverse: Value): Value =>
  one(g, 'Gather', [x, indices, inverse], { axis: 0 });
export const gatherElements = (g: Graph, x: Value, indices: Value, axis: number): Value =>
  one(g, 'GatherElements', [x, indices], { axis });
/** base with updates added at indices along an axis, in index order (deterministic on one thread). */
export const scatterAdd = (g: Graph, base: Value, indices: Value, updates: Value, axis: number): Value =>
  one(g, 'ScatterElements', [base, indices, updates], { axis, reduction: 'add' });
/** float32 zeros of a shape. */
export const zeros = (g: Graph, shape: Shape): Value =>
  one(g, 'ConstantOfShape', [sizes(g, shape)], { shape: shape.join(',') });
/**
 * float32 zeros of a known shape, made in every call: a runtime that folds constants would keep them all the time, and
 * copy them to write to.
 * @param sized its first axis has a size that only a call knows
 */
export function freshZeros(g: Graph, shape: readonly number[], sized: Value): Value {
  const none = mul(g, gather(g, one(g, 'Shape', [sized]), g.int64([0]), 0), g.int64([0]));
  return one(g, 'ConstantOfShape', [add(g, g.int64(shape), none)], { shape: shape.join(',') });
}
/** float32 rows of zeros with a one at the index. */
export function oneHot(g: Graph, indices: Value, depth: number): Value {
  return one(g, 'OneHot', [indices, g.int64([depth]), g.constant(Float32Array.of(0, 1), [2])], { axis: -1, depth });
}

/** Over no axes nothing is reduced; ONNX would take an empty list of axes for all of them. */
function reduce(g: Graph, op: OpName, x: Value, axes: readonly number[], keep: boolean): Value {
  if (axes.length === 0) return x;
  return one(g, op, [x, g.int64(axes.map((axis) => axisOf(axis, x.shape.length)))], { keepdims: keep ? 1 : 0 });
}

export const reduceSum = (g: Graph, x: Value, axes: readonly number[], keep = true): Value =>
  reduce(g, 'ReduceSum', x, axes, keep);
export const reduceMean = (g: Graph, x: Value, axes: readonly number[], keep = true): Value =>
  reduce(g, 'ReduceMean', x, axes, keep);
export const reduceMax = (g: Graph, x: Value, axes: readonly number[], keep = true): Value =>
  reduce(g, 'ReduceMax', x, axes, keep);
/** Sum of squares over all axes, as a scalar. */
export function sumOfSquares(g: Graph, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return axes.length === 0 ? mul(g, x, x) : reduce(g, 'ReduceSumSquare', x, axes, false);
}
export const argMax = (g: Graph, x: Value): Value => one(g, 'ArgMax', [x], { axis: x.shape.length - 1, keepdims: 1 });
/** The k largest along the last axis, largest first, and where they stand; of equals the first. */
export const topK = (g: Graph, x: Value, k: number): readonly [values: Value, indices: Value] =>
  g.op('TopK', [x, g.int64([k])], { attributes: { axis: -1, largest: 1, sorted: 1 } }) as [Value, Value];
export const cumSum = (g: Graph, x: Value, axis: number): Value =>
  one(g, 'CumSum', [x, g.constant(BigInt64Array.of(BigInt(axisOf(axis, x.shape.length))), [])]);
export const softmax = (g: Graph, x: Value): Value => one(g, 'Softmax', [x], { axis: -1 });
export const logSoftmax = (g: Graph, x: Value): Value => one(g, 'LogSoftmax', [x], { axis: -1 });

/** Over the last axis; scale and bias [D] (ONNX LayerNormalization). */
export const layerNormalization = (g: Graph, x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  one(g, 'LayerNormalization', [x, scale, bias], { axis: -1, epsilon });
/** RMS norm over the last axis; scale [D] (SimplifiedLayerNormalization of ONNX Runtime). */
export const rmsNormalization = (g: Graph, x: Value, scale: Value, epsilon: number): Value =>
  one(g, 'SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon });
/** x [B, H, S, d], positions [B, S], tables [positions, d/2]; halves rotated as in Llama (com.microsoft RotaryEmbedding). */
export const rotaryEmbedding = (g: Graph, x: Value, positions: Value, cosine: Value, sine: Value): Value =>
  one(g, 'RotaryEmbedding', [x, positions, cosine, sine]);

/** Sums a gradient back to the shape its tensor had before broadcasting. */
export function unbroadcast(g: Graph, gradient: Value, shape: Shape): Value {
  const offset = gradient.shape.length - shape.length;
  const axes = gradient.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < offset || (shape[axis - offset] === 1 && gradient.shape[axis] !== 1));
  const summed = axes.length === 0 ? gradient : reduceSum(g, gradient, axes);
  return reshape(g, summed, shape);
}
