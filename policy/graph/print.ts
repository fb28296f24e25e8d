/** Prints a graph as text, one node per line, for review in snapshots. */
import { shapeText } from './dim.ts';
import type { Graph, Node, Value } from './ir.ts';
import { prune } from './prune.ts';

export function printGraph(graph: Graph, indent = ''): string {
  const live = prune(graph);
  const lines = [
    `${indent}graph ${graph.name}(${graph.inputs.map(typed).join(', ')})`,
    ...live.nodes.flatMap((node) => printNode(node, indent)),
    ...[...graph.outputs].map(([name, value]) => `${indent}  -> ${name} = ${value.name}`),
  ];
  return lines.join('\n');
}

function printNode(node: Node, indent: string): string[] {
  const attributes = Object.entries(node.attributes).map(([name, value]) => ` ${name}=${String(value)}`);
  const line = `${indent}  ${node.outputs.map(typed).join(', ')} = ${node.op}(${node.inputs.map((value) => value.name).join(', ')})${attributes.join('')}`;
  return node.body === undefined ? [line] : [line, printGraph(node.body, `${indent}    `)];
}

function typed(value: Value): string {
  return `${value.name}:${value.dtype}${shapeText(value.shape)}`;
}
