/**
 * Forward nodes once more, for a backward pass that keeps what enters a layer and nothing from inside it (activation
 * recomputation, arXiv 1604.06174).
 */
import { add, gather, mul, reshape } from './build.ts';
import { product } from './dim.ts';
import type { Graph, Node, Value } from './ir.ts';

export interface Recomputed {
  /** The nodes to differentiate instead, in order. */
  readonly nodes: readonly Node[];
  /** Replacements of values inside the nodes, and of those that enter them; values without one are not here. */
  readonly copies: ReadonlyMap<Value, Value>;
  /** Values that enter the nodes. */
  readonly entering: readonly Value[];
}

/** @param behind a gradient that is there before the values are needed again: they are computed after it, not before */
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

/** 0, known only once `x` is: neither we nor a runtime can find the two computations equal, or do the second one early. */
function zeroBehind(graph: Graph, x: Value): Value {
  const first = gather(graph, reshape(graph, x, [product(x.shape)]), graph.constant(BigInt64Array.of(0n), []), 0);
  return mul(graph, first, graph.scalar(0));
}
