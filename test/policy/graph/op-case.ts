/** One node under test: its inputs, how they are drawn, and which of them are differentiated. */
import { Rng } from '../../../core/rng.ts';
import type { Dim, Shape } from '../../../policy/graph/dim.ts';
import { type DType, Graph, type Value } from '../../../policy/graph/ir.ts';
import type { OpName } from '../../../policy/graph/op-row.ts';
import { type ReferenceTensor, countOf } from '../../support/reference-tensor.ts';

export interface InputSpec {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly draw: (rng: Rng, count: number) => readonly number[];
}

export interface OpCase {
  readonly op: OpName;
  readonly title: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly build: (graph: Graph, inputs: Readonly<Record<string, Value>>) => Value | readonly Value[];
  /** Sizes of the symbols, one binding per run; one empty binding by default. */
  readonly sizes: readonly Readonly<Record<string, number>>[];
  /** Inputs to differentiate by: every float32 input by default. */
  readonly by: readonly string[];
}

interface OpCaseOptions<Names extends string> {
  readonly inputs: Readonly<Record<Names, InputSpec>>;
  readonly build: (graph: Graph, inputs: Readonly<Record<Names, Value>>) => Value | readonly Value[];
  readonly sizes?: readonly Readonly<Record<string, number>>[];
  readonly by?: readonly NoInfer<Names>[];
}

export function opCase<Names extends string>(op: OpName, title: string, options: OpCaseOptions<Names>): OpCase {
  const { inputs, build, sizes = [{}] } = options;
  const names = Object.keys(inputs) as Names[];
  return {
    op,
    title: `${op}: ${title}`,
    inputs,
    build: build,
    sizes,
    by: options.by ?? names.filter((name) => inputs[name].dtype === 'float32'),
  };
}

function repeat(draw: (rng: Rng) => number): InputSpec['draw'] {
  return (rng, count) => Array.from({ length: count }, () => Math.fround(draw(rng)));
}

export const normal = (...shape: Dim[]): InputSpec => ({
  dtype: 'float32',
  shape,
  draw: repeat((rng) => rng.normal()),
});
/** In [0.5, 2.5): for logarithms, roots and divisors. */
export const positive = (...shape: Dim[]): InputSpec => ({
  dtype: 'float32',
  shape,
  draw: repeat((rng) => 0.5 + 2 * rng.uniform()),
});
/** Of either sign, 0.5 to 2.5 away from zero. */
export const nonZero = (...shape: Dim[]): InputSpec => ({
  dtype: 'float32',
  shape,
  draw: repeat((rng) => (0.5 + 2 * rng.uniform()) * (rng.chance(0.5) ? 1 : -1)),
});
/** -1, 0 or 1 as float32, so that many are equal. */
export const few = (...shape: Dim[]): InputSpec => ({
  dtype: 'float32',
  shape,
  draw: repeat((rng) => rng.integer(-1, 2)),
});
export const bool = (...shape: Dim[]): InputSpec => ({
  dtype: 'bool',
  shape,
  draw: repeat((rng) => rng.integer(0, 2)),
});
/** int64 in [low, high). */
export const int = (low: number, high: number, ...shape: Dim[]): InputSpec => ({
  dtype: 'int64',
  shape,
  draw: repeat((rng) => rng.integer(low, high)),
});
export const exactly = (dtype: DType, shape: Shape, data: readonly number[]): InputSpec => ({
  dtype,
  shape,
  draw: () => data,
});

export interface BuiltCase {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: readonly Value[];
}

export function buildCase(item: OpCase): BuiltCase {
  const graph = new Graph('case');
  const inputs = Object.fromEntries(
    Object.entries(item.inputs).map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const built = item.build(graph, inputs);
  return { graph, inputs, outputs: 'name' in built ? [built] : built };
}

export function drawInputs(item: OpCase, sizes: Readonly<Record<string, number>>): Map<string, ReferenceTensor> {
  const rng = new Rng(item.title, JSON.stringify(sizes));
  return new Map(
    Object.entries(item.inputs).map(([name, { dtype, shape, draw }]) => {
      const bound = shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 0)));
      return [name, { dtype, shape: bound, data: draw(rng, countOf(bound)) }];
    }),
  );
}
