/**
 * Constant folding when a graph is compiled. Only ops whose float32 result is bit-identical on every backend are
 * folded: an exponential is left to the backend, which computes all others.
 */
import { product } from './dim.ts';
import type { ConstantData, Graph, Value } from './ir.ts';
import { type RewriteContext, type RewriteRule, type RewriteRules, rewrite } from './rewrite.ts';

export function foldConstants(graph: Graph): Graph {
  return rewrite(graph, rules);
}

const rules: RewriteRules = {
  Identity: moved,
  Reshape: moved,
  Neg: arithmetic((x) => -x),
  Add: arithmetic((x, y) => x + y),
  Sub: arithmetic((x, y) => x - y),
  Mul: arithmetic((x, y) => x * y),
  Div: arithmetic((x, y) => x / y),
};

/** Folds an op that keeps the data and changes at most the shape. */
function moved({ graph, node, inputs }: RewriteContext): readonly Value[] | undefined {
  const [data] = constantInputs(graph, inputs) ?? [];
  const shape = node.outputs[0]?.shape;
  return data === undefined || shape === undefined ? undefined : [graph.constant(data, shape)];
}

/**
 * Folds an elementwise op on float32 tensors of one shape, or on a tensor and a single number. Rounding the float64
 * result gives the IEEE float32 result.
 */
function arithmetic(compute: (x: number, y: number) => number): RewriteRule {
  return ({ graph, node, inputs }) => {
    const data = constantInputs(graph, inputs);
    const shape = node.outputs[0]?.shape;
    if (data === undefined || shape === undefined) return undefined;
    const [x, y = x] = data;
    if (!(x instanceof Float32Array) || !(y instanceof Float32Array)) return undefined;
    const length = product(shape);
    if (typeof length !== 'number' || [x, y].some((each) => each.length !== length && each.length !== 1))
      return undefined;
    const at = (each: Float32Array, i: number): number => each[each.length === 1 ? 0 : i] as number;
    return [
      graph.constant(
        Float32Array.from({ length }, (_, i) => compute(at(x, i), at(y, i))),
        shape,
      ),
    ];
  };
}

function constantInputs(graph: Graph, inputs: readonly Value[]): ConstantData[] | undefined {
  const data = inputs.map((value) => graph.constantData(value));
  return data.every((each) => each !== undefined) ? data : undefined;
}
