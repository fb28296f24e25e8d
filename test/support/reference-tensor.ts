/**
 * Float64 tensors of the reference interpreter, row-major, with ONNX's broadcasting; written for clarity, not speed.
 */
import type { DType } from '../../policy/graph/ir.ts';

/** int64 and bool elements are whole numbers. */
export interface ReferenceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Position of a multi-index in row-major order. */
export function flatten(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, position, axis) => flat * at(shape, axis) + position, 0);
}

/** The multi-index of a row-major position. */
export function unflatten(flat: number, shape: readonly number[]): number[] {
  const index: number[] = new Array<number>(shape.length);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % at(shape, axis);
    rest = Math.floor(rest / at(shape, axis));
  }
  return index;
}

/** An element that must exist. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`no element ${index} among ${items.length}`);
  return item;
}

export function read(tensor: ReferenceTensor, index: readonly number[]): number {
  return at(tensor.data, flatten(index, tensor.shape));
}

/** Reads the element of a tensor that is broadcast to the rank and shape of the index. */
export function readBroadcast(tensor: ReferenceTensor, index: readonly number[]): number {
  const offset = index.length - tensor.shape.length;
  return read(
    tensor,
    tensor.shape.map((size, axis) => (size === 1 ? 0 : at(index, axis + offset))),
  );
}

export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find((candidate) => candidate !== 1) ?? 1;
    if (sizes.some((candidate) => candidate !== 1 && candidate !== size))
      throw new Error(`shapes ${shapes.map((shape) => `[${shape.join(',')}]`).join(' and ')} do not broadcast`);
    return size;
  });
}

/** All multi-indices of a shape, in row-major order. */
export function indicesOf(shape: readonly number[]): number[][] {
  return range(countOf(shape)).map((flat) => unflatten(flat, shape));
}

/** A tensor computed element by element. */
export function tabulate(
  dtype: DType,
  shape: readonly number[],
  element: (index: readonly number[]) => number,
): ReferenceTensor {
  return { dtype, shape, data: indicesOf(shape).map(element) };
}

/** The index with another position on one axis. */
export function moved(index: readonly number[], axis: number, position: number): number[] {
  return index.map((old, i) => (i === axis ? position : old));
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
