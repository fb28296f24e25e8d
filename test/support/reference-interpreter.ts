/**
 * Evaluates a graph in float64 (test/support/reference-ops.ts) and checks every tensor against the type and shape that
 * the graph's own inference assigned.
 */
import type { Graph, Node, Value } from '../../policy/graph/ir.ts';
import { referenceOps } from './reference-ops.ts';
import { type ReferenceTensor, at } from './reference-tensor.ts';

/** One activation of a graph: the outer one, or one iteration of a Loop body. */
interface Scope {
  readonly graph: Graph;
  readonly own: ReadonlySet<Value>;
  readonly tensors: Map<Value, ReferenceTensor>;
  /** Known sizes of symbolic dimensions. */
  readonly sizes: Map<string, number>;
  readonly outer: Scope | undefined;
}

/** Evaluates values of a graph for inputs by name; throws if a tensor differs from its inferred type or shape. */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, ReferenceTensor>,
  values: readonly Value[],
): ReferenceTensor[] {
  const scope = enter(graph, undefined);
  for (const input of graph.inputs) {
    const tensor = inputs.get(input.name);
    if (tensor !== undefined) bind(scope, input, tensor);
  }
  return values.map((value) => resolve(scope, value));
}

function enter(graph: Graph, outer: Scope | undefined): Scope {
  const own = new Set([...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap((node) => node.outputs)]);
  return { graph, own, tensors: new Map(), sizes: new Map(), outer };
}

function resolve(scope: Scope, value: Value): ReferenceTensor {
  const known = scope.tensors.get(value);
  if (known !== undefined) return known;
  if (!scope.own.has(value)) {
    if (scope.outer === undefined) throw new Error(`${value.name} belongs to no graph around`);
    return resolve(scope.outer, value);
  }
  const constant = scope.graph.constants.get(value);
  if (constant !== undefined) {
    bind(scope, value, { dtype: value.dtype, shape: value.shape.map(Number), data: [...constant].map(Number) });
  } else if (value.producer !== undefined) {
    run(scope, value.producer);
  } else throw new Error(`input ${value.name} was not given`);
  return resolve(scope, value);
}

function run(scope: Scope, node: Node): void {
  const inputs = node.inputs.map((input) => resolve(scope, input));
  const outputs =
    node.op === 'Loop'
      ? loop(scope, node, inputs)
      : referenceOps[node.op](inputs, node.attributes, node.outputs.length);
  if (outputs.length !== node.outputs.length) throw new Error(`${node.op} gave ${outputs.length} outputs`);
  node.outputs.forEach((output, index) => {
    bind(scope, output, at(outputs, index));
  });
}

/**
 * ONNX Loop: runs while the condition holds and trips remain; returns carried values, then scan outputs stacked on the
 * first axis.
 */
function loop(scope: Scope, node: Node, inputs: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { body } = node;
  if (body === undefined) throw new Error('Loop without a body');
  const tripCount = at(at(inputs, 0).data, 0);
  let condition = at(inputs, 1);
  let carried = inputs.slice(2);
  const stacks = [...body.outputs.values()].slice(1 + carried.length).map((): ReferenceTensor[] => []);
  for (let iteration = 0; iteration < tripCount && condition.data[0] === 1; iteration++) {
    const inside = enter(body, scope);
    const counter: ReferenceTensor = { dtype: 'int64', shape: [], data: [iteration] };
    [counter, condition, ...carried].forEach((tensor, index) => {
      bind(inside, at(body.inputs, index), tensor);
    });
    const [next, ...results] = [...body.outputs.values()].map((value) => resolve(inside, value));
    if (next === undefined) throw new Error('the body gives no condition');
    condition = next;
    stacks.forEach((stack, index) => stack.push(at(results, carried.length + index)));
    carried = results.slice(0, carried.length);
  }
  return [...carried, ...stacks.map((stack, index) => stacked(stack, at(node.outputs, carried.length + index)))];
}

function stacked(stack: readonly ReferenceTensor[], value: Value): ReferenceTensor {
  const shape = stack[0]?.shape ?? value.shape.slice(1).map((dim) => (typeof dim === 'number' ? dim : 0));
  return { dtype: value.dtype, shape: [stack.length, ...shape], data: stack.flatMap((tensor) => tensor.data) };
}

function bind(scope: Scope, value: Value, tensor: ReferenceTensor): void {
  const fits =
    tensor.dtype === value.dtype &&
    tensor.shape.length === value.shape.length &&
    value.shape.every((dim, axis) => matches(scope, dim, at(tensor.shape, axis)));
  if (!fits) {
    throw new Error(
      `${value.producer?.op ?? 'input'} ${value.name} is ${tensor.dtype}[${tensor.shape.join(', ')}], ` +
        `inferred ${value.dtype}[${value.shape.join(', ')}]`,
    );
  }
  scope.tensors.set(value, tensor);
}

function matches(scope: Scope, dim: number | string, size: number): boolean {
  if (typeof dim === 'number') return dim === size;
  const factors = dim.split('*').map((factor) => (/^\d+$/.test(factor) ? Number(factor) : knownSize(scope, factor)));
  if (!factors.includes(undefined)) return factors.reduce((a: number, b) => a * (b ?? 1), 1) === size;
  if (factors.length === 1) scope.sizes.set(dim, size);
  return true;
}

function knownSize(scope: Scope | undefined, symbol: string): number | undefined {
  return scope === undefined ? undefined : (scope.sizes.get(symbol) ?? knownSize(scope.outer, symbol));
}
