/** Dead code elimination: drops nodes that no output needs, and constants that are then unused. */
import type { Graph, Node, Value } from './ir.ts';

export interface LiveGraph {
  readonly nodes: readonly Node[];
  readonly constants: readonly Value[];
}

export function prune(graph: Graph): LiveGraph {
  const needed = new Set<Value>(graph.outputs.values());
  const live: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    live.push(node);
    for (const value of usedBy(node)) needed.add(value);
  }
  return { nodes: live.reverse(), constants: [...graph.constants.keys()].filter((constant) => needed.has(constant)) };
}

/** Values that a node reads, including those that its body captures. */
export function usedBy(node: Node): Value[] {
  return node.body === undefined ? [...node.inputs] : [...node.inputs, ...capturedBy(node.body)];
}

function capturedBy(body: Graph): Value[] {
  const { nodes } = prune(body);
  return [...nodes.flatMap(usedBy), ...body.outputs.values()];
}
