/**
 * Reverse-mode differentiation: one walk over the nodes between the parameters and the loss, last to first. It applies
 * each op's rule and sums the gradients that reach a value from several users.
 */
import { MtrlError } from '../../core/errors.ts';
import { add } from './build.ts';
import { sameShape, shapeText } from './dim.ts';
import { type Graph, type Node, type Value, expectShape, graphError } from './ir.ts';
import { opRow } from './op-table.ts';
import { usedBy } from './prune.ts';
import { recompute } from './recompute.ts';

export interface GradientOptions {
  /** Recompute values inside the graph's segments in the backward pass instead of keeping them until then. */
  readonly recompute?: boolean;
}

/**
 * Adds the gradients of a scalar loss to the graph.
 * @param loss float32 []
 * @param parameters values to differentiate with respect to
 * @returns one gradient per parameter, of the same shape; GRAPH_INVALID if the loss does not depend on one of them
 */
export function gradients(
  graph: Graph,
  loss: Value,
  parameters: readonly Value[],
  { recompute: recomputes = false }: GradientOptions = {},
): Value[] {
  expectShape(loss, [], `the loss ${loss.name}`);
  const walk = new BackwardWalk(graph, loss, parameters);
  // A copy, because rules append nodes during the walk.
  const nodes = [...graph.nodes];
  const segments = recomputes ? [...graph.segments] : [];
  let end = nodes.length;
  while (end > 0) {
    const segment = segments.at(-1)?.to === end ? segments.pop() : undefined;
    const start = segment?.from ?? end - 1;
    const passed = nodes.slice(start, end);
    if (segment === undefined) walk.pass(passed);
    else walk.passAgain(passed);
    end = start;
  }
  return parameters.map((parameter) => {
    const gradient = walk.gradientOf.get(parameter);
    if (gradient === undefined) throw graphError(`no gradient reaches ${parameter.name}`);
    return gradient;
  });
}

/** State of the backward walk: the gradients accumulated so far. */
class BackwardWalk {
  readonly gradientOf = new Map<Value, Value>();
  readonly #graph: Graph;
  readonly #dependent: Set<Value>;

  constructor(graph: Graph, loss: Value, parameters: readonly Value[]) {
    this.#graph = graph;
    this.#dependent = dependsOn(graph, parameters);
    if (!this.#dependent.has(loss)) throw graphError(`the loss ${loss.name} depends on no parameter`);
    this.gradientOf.set(loss, graph.scalar(1));
  }

  /** Walks the nodes, given in forward order, from last to first. */
  pass(nodes: readonly Node[]): void {
    for (const node of [...nodes].reverse()) this.#passNode(node);
  }

  /** Walks recomputed copies of the nodes instead of the nodes themselves. */
  passAgain(nodes: readonly Node[]): void {
    const outputs = nodes.flatMap((node) => node.outputs);
    const reached = outputs.filter((value) => this.gradientOf.has(value));
    const behind = reached.at(-1);
    if (behind === undefined) return;
    const again = recompute(this.#graph, nodes, this.gradientOf.get(behind) as Value);
    for (const [value, copy] of again.copies) if (this.#dependent.has(value)) this.#dependent.add(copy);
    for (const value of reached) {
      const copy = again.copies.get(value);
      if (copy !== undefined) this.#add(copy, this.gradientOf.get(value) as Value);
    }
    this.pass(again.nodes);
    for (const value of again.entering) {
      const gradient = this.gradientOf.get(again.copies.get(value) as Value);
      if (gradient !== undefined) this.#add(value, gradient);
    }
  }

  #passNode(node: Node): void {
    const outputGradients = node.outputs.map((output) => this.gradientOf.get(output));
    const isOnTheWay = usedBy(node).some((input) => this.#dependent.has(input));
    if (!isOnTheWay || outputGradients.every((gradient) => gradient === undefined)) return;
    const inputGradients = applyRule(this.#graph, node, outputGradients);
    node.inputs.forEach((input, index) => {
      const gradient = inputGradients[index];
      if (!this.#dependent.has(input)) return;
      if (gradient === undefined) {
        // Indices carry no gradient. A float32 input that the rule leaves out would silently lose its gradient.
        if (input.dtype === 'float32') throw withoutRule(node, `by its input ${input.name} has no gradient rule`);
        return;
      }
      if (!sameShape(gradient.shape, input.shape))
        throw withoutRule(
          node,
          `by ${input.name} it has shape ${shapeText(gradient.shape)}, expected ${shapeText(input.shape)}`,
        );
      this.#add(input, gradient);
    });
  }

  #add(value: Value, gradient: Value): void {
    const sum = this.gradientOf.get(value);
    this.gradientOf.set(value, sum === undefined ? gradient : add(this.#graph, sum, gradient));
  }
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

/** All values that depend differentiably on a parameter; rules are applied to no others. */
function dependsOn(graph: Graph, parameters: readonly Value[]): Set<Value> {
  const dependent = new Set<Value>(parameters);
  for (const node of graph.nodes) {
    if (opRow(node.op).gradient === 'none') continue;
    if (usedBy(node).some((input) => dependent.has(input))) for (const output of node.outputs) dependent.add(output);
  }
  return dependent;
}
