/** Builder functions, one per op, with which models, objectives and gradient rules are written. */
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

/** Drops the explicit Expand of an operand to the other's shape: the op broadcasts by itself. */
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
/** `approximate`: `tanh` as in SigLIP, `none` for the exact form with erf. */
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
/** Stops the gradient: a Cast to its own dtype, which has no gradient. */
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

/** op(a) @ op(b) + c for matrices (ONNX Gemm). The Transpose of an operand is folded into `transA` or `transB`. */
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

/** x [N, in] @ weight^T + c: weight in Hugging Face layout [out, in]; c is a bias [out] or a residual [N, out]. */
export const linear = (g: Graph, x: Value, weight: Value, c?: Value): Value =>
  gemm(g, x, weight, c === undefined ? { transB: true } : { transB: true, c });

/** The dims as an int64 vector [rank]; symbolic sizes are read from tensors at run time. */
export function sizes(g: Graph, dims: Shape): Value {
  if (dims.every((dim) => typeof dim === 'number')) return g.int64(dims);
  // In a loop body, sizes that do not change between iterations are computed once, outside the loop.
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

/** ONNX Reshape. The target shape is constant where possible: at most one -1, and 0 for an unchanged axis. */
export function reshape(g: Graph, x: Value, shape: Shape): Value {
  if (sameShape(shape, x.shape)) return x;
  const before = x.producer?.op === 'Reshape' ? (x.producer.inputs[0] as Value) : undefined;
  // Two consecutive Reshapes are merged into one.
  if (before !== undefined && constantTarget(before, shape) !== undefined) return reshape(g, before, shape);
  const target = constantTarget(x, shape);
  // The attribute carries the symbolic shape for inference and printing; it is not part of the ONNX node.
  return one(g, 'Reshape', [x, target === undefined ? sizes(g, shape) : g.int64(target)], { shape: shape.join(',') });
}

/** The constant target shape; undefined if sizes must be read from tensors at run time. */
function constantTarget(x: Value, shape: Shape): number[] | undefined {
  const symbolic = shape.filter((dim) => typeof dim === 'string').length;
  if (symbolic <= 1) return shape.map((dim) => (typeof dim === 'number' ? dim : -1));
  const unknown = shape.filter((dim, axis) => typeof dim === 'string' && dim !== x.shape[axis]).length;
  if (unknown > 1) return undefined;
  return shape.map((dim, axis) => (typeof dim === 'number' ? dim : dim === x.shape[axis] ? 0 : -1));
}

export function transpose(g: Graph, x: Value, perm: readonly number[]): Value {
  // If only axes of size 1 move, the memory layout is unchanged and a Reshape suffices.
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

/** x[start:end] along an axis; the gradient requires a known axis size. */
export function slice(g: Graph, x: Value, axis: number, start: number, end: number): Value {
  return one(g, 'Slice', [x, g.int64([start]), g.int64([end]), g.int64([axisOf(axis, x.shape.length)])]);
}

/** Splits x into parts of the given sizes along an axis. */
export function split(g: Graph, x: Value, axis: number, parts: readonly Dim[]): Value[] {
  const attributes = { axis: axisOf(axis, x.shape.length), parts: parts.join(',') };
  return g.op('Split', [x, sizes(g, parts)], { attributes });
}

/** Broadcasts to a shape whose sizes may be known only at run time. */
export function expand(g: Graph, x: Value, shape: Shape): Value {
  return one(g, 'Expand', [x, sizes(g, shape)], { shape: shape.join(',') });
}

export const gather = (g: Graph, x: Value, indices: Value, axis: number): Value =>
  one(g, 'Gather', [x, indices], { axis });
/**
 * Gathers rows of a matrix [R, d]. The gradient is a gather by `inverse`, which is faster than a scatter-add.
 * @param inverse int64 [R]: position of each row among the results. For a row that is gathered several times, any of
 *   its positions is valid if the loss depends on none of them
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
 * float32 zeros of a known shape, allocated in every call: a runtime that folds constants would keep them in memory
 * permanently and copy them before every write.
 * @param sized a tensor whose first axis is sized only at run time
 */
export function freshZeros(g: Graph, shape: readonly number[], sized: Value): Value {
  const none = mul(g, gather(g, one(g, 'Shape', [sized]), g.int64([0]), 0), g.int64([0]));
  return one(g, 'ConstantOfShape', [add(g, g.int64(shape), none)], { shape: shape.join(',') });
}
/** One-hot rows, float32 [...indices.shape, depth]. */
export function oneHot(g: Graph, indices: Value, depth: number): Value {
  return one(g, 'OneHot', [indices, g.int64([depth]), g.constant(Float32Array.of(0, 1), [2])], { axis: -1, depth });
}

/** Returns x unchanged for an empty list of axes, which ONNX would read as all axes. */
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
/** The k largest values along the last axis, in descending order, and their indices; ties take the lowest index. */
export const topK = (g: Graph, x: Value, k: number): readonly [values: Value, indices: Value] =>
  g.op('TopK', [x, g.int64([k])], { attributes: { axis: -1, largest: 1, sorted: 1 } }) as [Value, Value];
export const cumSum = (g: Graph, x: Value, axis: number): Value =>
  one(g, 'CumSum', [x, g.constant(BigInt64Array.of(BigInt(axisOf(axis, x.shape.length))), [])]);
export const softmax = (g: Graph, x: Value): Value => one(g, 'Softmax', [x], { axis: -1 });
export const logSoftmax = (g: Graph, x: Value): Value => one(g, 'LogSoftmax', [x], { axis: -1 });

/** Layer norm over the last axis; scale and bias [D] (ONNX LayerNormalization). */
export const layerNormalization = (g: Graph, x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  one(g, 'LayerNormalization', [x, scale, bias], { axis: -1, epsilon });
/** RMS norm over the last axis; scale [D] (SimplifiedLayerNormalization of ONNX Runtime). */
export const rmsNormalization = (g: Graph, x: Value, scale: Value, epsilon: number): Value =>
  one(g, 'SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon });
/** x [B, H, S, d], positions [B, S], tables [positions, d/2]; halves rotated as in Llama (com.microsoft). */
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
