/**
 * Dimensions of a tensor: a number, or a symbolic product such as `B` or `4*B*S` whose size is known only when the
 * graph runs. Two symbolic dimensions are equal when their normal forms are the same text.
 */

import { MtrlError } from '../../core/errors.ts';

export type Dim = number | string;
export type Shape = readonly Dim[];

/** Product in normal form: numeric coefficient first, then symbols in order. */
export function product(dims: readonly Dim[]): Dim {
  let coefficient = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    for (const factor of typeof dim === 'number' ? [dim] : dim.split('*')) {
      const value = Number(factor);
      if (Number.isInteger(value)) coefficient *= value;
      else symbols.push(factor as string);
    }
  }
  if (symbols.length === 0) return coefficient;
  symbols.sort();
  return (coefficient === 1 ? symbols : [String(coefficient), ...symbols]).join('*');
}

/** Symbolic factors of a dimension. */
export function symbolsOf(dim: Dim): string[] {
  return typeof dim === 'number' ? [] : dim.split('*').filter((factor) => !Number.isInteger(Number(factor)));
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

export function shapeText(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Multidirectional broadcasting (ONNX Broadcasting); undefined if the shapes do not broadcast. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const dimA = a[axis - rank + a.length] ?? 1;
    const dimB = b[axis - rank + b.length] ?? 1;
    if (dimA !== dimB && dimA !== 1 && dimB !== 1) return undefined;
    result.push(dimA === 1 ? dimB : dimA);
  }
  return result;
}

/** Converts a negative axis, which counts from the end, to a non-negative one. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Sizes of the symbols in one call. */
export type Sizes = Readonly<Record<string, number>>;

/** Size of a dimension. A symbol created by a loop (`trips_7`) may lack its number in `sizes`. Throws GRAPH_INVALID. */
export function sizeOf(dim: Dim, sizes: Sizes): number {
  if (typeof dim === 'number') return dim;
  return dim.split('*').reduce((size, factor) => size * sizeOfFactor(factor, sizes), 1);
}

/** Size of one factor: a number, a symbol, or a concatenated length such as `P+2xT`. */
function sizeOfFactor(factor: string, sizes: Sizes): number {
  if (Number.isInteger(Number(factor))) return Number(factor);
  if (factor.includes('+'))
    return factor.split('+').reduce((sum, part) => sum + sizeOf(part.replaceAll('x', '*'), sizes), 0);
  const size = sizes[factor] ?? sizes[factor.replace(/_\d+$/, '')];
  if (size === undefined)
    throw new MtrlError('GRAPH_INVALID', `the dimension ${factor} has no size`, {
      hint: `sizes given: ${Object.keys(sizes).join(', ') || 'none'}`,
    });
  return size;
}
