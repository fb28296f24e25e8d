/**
 * Reverse-mode differentiation: one walk over the nodes that lie between the parameters and the loss, last to first,
 * applying each op's rule and adding what arrives at a value from several users.
 */
import { MtrlError } from '../../core/errors.ts';
import { add } from './build.ts';
import { type Graph, type Node, type Value, expectShape } from './ir.ts';
import { opRow } from './op-table.ts';
import { usedBy } from './prune.ts';

/**
 * Adds to the graph the gradients of a scalar loss.
 * @param loss float32 []
 * @param parameters values to differentiate by
 * @returns one gradient a parameter, same shape; a parameter that the loss does not depend on is an error
 */
export function gradients(graph: Graph, loss: Value, parameters: readonly Value[]): Value[] {
  expectShape(loss, [], `the loss ${loss.name}`);
  const dependent = dependsOn(graph, parameters);
  if (!dependent.has(loss)) throw new MtrlError('GRAPH_INVALID', `the loss ${loss.name} depends on no parameter`);
  const gradientOf = new Map<Value, Value>([[loss, graph.scalar(1)]]);
  // A copy: rules append nodes while we walk.
  const nodes = [...graph.nodes].reverse();
  for (const node of nodes) {
    const outputGradients = node.outputs.map((output) => gradientOf.get(output));
    if (
      outputGradients.every((gradient) => gradient === undefined) ||
      !usedBy(node).some((input) => dependent.has(input))
    )
      continue;
    const inputGradients = applyRule(graph, node, outputGradients);
    node.inputs.forEach((input, index) => {
      const gradient = inputGradients[index];
      if (!dependent.has(input)) return;
      if (gradient === undefined) {
        // Indices carry no gradient. A float32 input that the rule leaves out would lose its part without a word.
        if (input.dtype === 'float32') throw withoutRule(node, `by its input ${input.name} has no gradient rule`);
        return;
      }
      expectShape(gradient, input.shape, `the gradient of ${node.op} by ${input.name}`);
      const sum = gradientOf.get(input);
      gradientOf.set(input, sum === undefined ? gradient : add(graph, sum, gradient));
    });
  }
  return parameters.map((parameter) => {
    const gradient = gradientOf.get(parameter);
    if (gradient === undefined) throw new MtrlError('GRAPH_INVALID', `no gradient reaches ${parameter.name}`);
    return gradient;
  });
}

function applyRule(
  graph: Graph,
  node: Node,
  outputGradients: readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  const rule = opRow(node.op).gradient;
  if (rule === 'none') return node.inputs.map(() => undefined);
  try {
    if (rule === undefined) throw new Error('this op has no gradient rule');
    return rule({ graph, node, inputs: node.inputs, outputs: node.outputs, outputGradients });
  } catch (error) {
    throw withoutRule(node, error instanceof Error ? error.message : String(error));
  }
}

function withoutRule(node: Node, reason: string): MtrlError {
  return new MtrlError('GRAPH_INVALID', `gradient of ${node.op} (${node.outputs[0]?.name ?? ''}): ${reason}`, {
    where: node.site,
  });
}

/** Every value through which a change of a parameter can reach the loss: rules are applied to nothing else. */
function dependsOn(graph: Graph, parameters: readonly Value[]): Set<Value> {
  const dependent = new Set<Value>(parameters);
  for (const node of graph.nodes) {
    if (opRow(node.op).gradient === 'none') continue;
    if (usedBy(node).some((input) => dependent.has(input))) for (const output of node.outputs) dependent.add(output);
  }
  return dependent;
}
