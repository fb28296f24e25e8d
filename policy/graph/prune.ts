/** Dead code: nodes that no output needs, and constants and inputs that no node needs. */
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

/** What a node reads, values that its body captures included. */
export function usedBy(node: Node): Value[] {
  return node.body === undefined ? [...node.inputs] : [...node.inputs, ...capturedBy(node.body)];
}

function capturedBy(body: Graph): Value[] {
  const { nodes } = prune(body);
  return [...nodes.flatMap(usedBy), ...body.outputs.values()];
}
