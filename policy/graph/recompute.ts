/**
 * Activation recomputation (arXiv 1604.06174): copies forward nodes for a backward pass that keeps only the inputs of a
 * layer, not the values inside it.
 */
import { add, gather, mul, reshape } from './build.ts';
import { product } from './dim.ts';
import type { Graph, Node, Value } from './ir.ts';

export interface Recomputed {
  /** The nodes to differentiate instead, in forward order. */
  readonly nodes: readonly Node[];
  /** Copies of values inside the nodes and of values that enter them; values without a copy are absent. */
  readonly copies: ReadonlyMap<Value, Value>;
  /** Computed float32 values that enter the nodes from outside. */
  readonly entering: readonly Value[];
}

/** @param behind a gradient that is available before the values are needed; they are recomputed only after it */
export function recompute(graph: Graph, nodes: readonly Node[], behind: Value): Recomputed {
  const inside = new Set(nodes.flatMap(({ outputs }) => outputs));
  const entering = [...new Set(nodes.flatMap(({ inputs }) => inputs))].filter(
    (value) => value.dtype === 'float32' && value.producer !== undefined && !inside.has(value),
  );
  const zero = zeroBehind(graph, behind);
  const copies = new Map(entering.map((value) => [value, add(graph, value, zero)]));
  const again = nodes.map((node): Node => {
    const { op, attributes, body } = node;
    const inputs = node.inputs.map((value) => copies.get(value) ?? value);
    if (inputs.every((value, index) => value === node.inputs[index])) return node;
    const outputs = graph.op(op, inputs, { attributes, ...(body === undefined ? {} : { body }) });
    node.outputs.forEach((value, index) => copies.set(value, outputs[index] as Value));
    return outputs[0]?.producer as Node;
  });
  return { nodes: again, copies, entering };
}

/** A zero that depends on `x`, so that no runtime can merge the two computations or run the second one early. */
function zeroBehind(graph: Graph, x: Value): Value {
  const first = gather(graph, reshape(graph, x, [product(x.shape)]), graph.constant(BigInt64Array.of(0n), []), 0);
  return mul(graph, first, graph.scalar(0));
}
