/** How long each value of a graph is needed: what an interpreter may free behind a node. */
import type { Graph, Node, Value } from './ir.ts';
import { prune, usedBy } from './prune.ts';

export interface NodeLifetime {
  readonly node: Node;
  /** Inputs and intermediate values of this graph that no later node and no output needs. */
  readonly lastUsed: readonly Value[];
}

/** Live nodes in order. Constants never end, and neither do values of graphs around this one. */
export function lifetimes(graph: Graph): NodeLifetime[] {
  const { nodes } = prune(graph);
  const own = new Set<Value>([...graph.inputs, ...nodes.flatMap((node) => node.outputs)]);
  const neededLater = new Set<Value>(graph.outputs.values());
  const reversed = [...nodes].reverse().map((node): NodeLifetime => {
    // Outputs count too: a node's second output that nobody reads ends where it begins.
    const touched = new Set([...usedBy(node), ...node.outputs]);
    const lastUsed = [...touched].filter((value) => own.has(value) && !neededLater.has(value));
    for (const value of touched) neededLater.add(value);
    return { node, lastUsed };
  });
  return reversed.reverse();
}
