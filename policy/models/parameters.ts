/** Weights by their Hugging Face names: their specs, and their values in a graph. */
import type { Graph, Value } from '../graph/ir.ts';

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * Kind of weight, which determines its initial values: matrices, heads and tables are normal, norm scales ones,
   * biases zeros. An adapter's A [rank, in] is uniform and its B [out, rank] zero, so that a new adapter changes
   * nothing.
   */
  readonly role: 'matrix' | 'residual-matrix' | 'head' | 'table' | 'scale' | 'bias' | 'adapter-in' | 'adapter-out';
  /** Not trained: no gradient, no optimizer state. */
  readonly frozen?: true;
  /** Adapters only: factor on their product, which is added to the module's matrix. */
  readonly adapterScale?: number;
}

/** PEFT's names, without the prefix in its files. */
export const adapterInName = (module: string): string => `${module}.lora_A.weight`;
export const adapterOutName = (module: string): string => `${module}.lora_B.weight`;

export const isTrained = ({ frozen }: ParameterSpec): boolean => frozen !== true;

export const isAdapter = ({ adapterScale }: ParameterSpec): boolean => adapterScale !== undefined;

/** Low-rank update of a module's matrix: scale B A. */
export interface Adapter {
  readonly a: Value;
  readonly b: Value;
  readonly scale: number;
}

/** The weights of a graph. */
export interface Weights {
  readonly of: (name: string) => Value;
  /** undefined if the model has no such weight, as for most biases. */
  readonly find: (name: string) => Value | undefined;
  /** Adapter of a module; undefined if it has none. */
  readonly adapterOf: (module: string) => Adapter | undefined;
}

/** Declares every weight as a graph input with its own name. */
export function declareWeights(graph: Graph, specs: readonly ParameterSpec[]): Weights {
  const values = new Map(specs.map((spec) => [spec.name, graph.input(spec.name, 'float32', spec.shape)]));
  const scales = new Map(specs.map(({ name, adapterScale }) => [name, adapterScale]));
  const of = (name: string): Value => values.get(name) as Value;
  return {
    of,
    find: (name) => values.get(name),
    adapterOf(module) {
      const scale = scales.get(adapterInName(module));
      return scale === undefined ? undefined : { a: of(adapterInName(module)), b: of(adapterOutName(module)), scale };
    },
  };
}

export function inNameOrder(specs: readonly ParameterSpec[]): ParameterSpec[] {
  return [...specs].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Scale and bias of a layer norm. */
export function normSpecs(at: string, width: number): ParameterSpec[] {
  return [
    { name: `${at}.weight`, shape: [width], role: 'scale' },
    { name: `${at}.bias`, shape: [width], role: 'bias' },
  ];
}

/** A matrix [out, in] and, if requested, its bias [out]. */
export function linearSpecs(
  module: string,
  out: number,
  inner: number,
  options: { readonly bias: boolean; readonly residual?: boolean },
): ParameterSpec[] {
  const matrix: ParameterSpec = {
    name: `${module}.weight`,
    shape: [out, inner],
    role: options.residual === true ? 'residual-matrix' : 'matrix',
  };
  return options.bias ? [matrix, { name: `${module}.bias`, shape: [out], role: 'bias' }] : [matrix];
}
