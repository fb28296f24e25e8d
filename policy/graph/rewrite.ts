/**
 * Copies a graph and replaces some of its ops by others, for a device that lacks an op, is slow at it or computes it
 * wrongly. The copy is built op by op, so replacements are checked like all other nodes.
 */
import { MtrlError } from '../../core/errors.ts';
import { Graph, type Node, type Value } from './ir.ts';
import type { OpName } from './op-row.ts';
import { prune, usedBy } from './prune.ts';

export interface RewriteContext {
  /** The new graph, to which the rule adds its nodes. */
  readonly graph: Graph;
  readonly node: Node;
  /** The node's inputs in the new graph. */
  readonly inputs: readonly Value[];
  /** Whether anything reads the node's output of that index. */
  readonly isRead: (outputIndex: number) => boolean;
}

/** Returns one value per output of the node, or undefined to keep the node unchanged. */
export type RewriteRule = (context: RewriteContext) => readonly (Value | undefined)[] | undefined;
export type RewriteRules = Readonly<Partial<Record<OpName, RewriteRule>>>;

export function rewrite(graph: Graph, rules: RewriteRules): Graph {
  return copy(graph, rules, new Map(), undefined);
}

function copy(source: Graph, rules: RewriteRules, values: Map<Value, Value>, parent: Graph | undefined): Graph {
  const graph = new Graph(source.name, parent);
  for (const value of source.inputs) values.set(value, graph.input(value.name, value.dtype, value.shape));
  const { nodes } = prune(source);
  const read = new Set<Value>([...nodes.flatMap(usedBy), ...source.outputs.values()]);
  const valueOf = (value: Value): Value => {
    const known = values.get(value);
    if (known !== undefined) return known;
    const data = source.constantData(value);
    if (data === undefined) throw new MtrlError('INVARIANT', `${value.name} is read before it is copied`);
    return graph.constant(data, value.shape);
  };
  for (const node of nodes) {
    const inputs = node.inputs.map(valueOf);
    const isRead = (index: number): boolean => read.has(node.outputs[index] as Value);
    const outputs = rules[node.op]?.({ graph, node, inputs, isRead }) ?? same(graph, node, inputs, rules, values);
    node.outputs.forEach((value, index) => {
      const output = outputs[index];
      if (output !== undefined) values.set(value, output);
    });
  }
  for (const [name, value] of source.outputs) graph.output(name, valueOf(value));
  return graph;
}

function same(
  graph: Graph,
  node: Node,
  inputs: readonly Value[],
  rules: RewriteRules,
  values: Map<Value, Value>,
): readonly Value[] {
  const { attributes, body } = node;
  // A body sees the values around it, but its own values are not visible outside.
  const options = body === undefined ? {} : { body: copy(body, rules, new Map(values), graph) };
  return graph.op(node.op, inputs, { attributes, ...options });
}
