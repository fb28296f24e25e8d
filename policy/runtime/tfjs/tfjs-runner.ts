/**
 * Interprets a graph with TensorFlow.js: one or a few kernel calls per node, values freed after their last use, loops
 * run on the host. It is an independent check of everything that ONNX Runtime computes.
 */
import { required } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { type NodeLifetime, lifetimes } from '../../graph/lifetime.ts';
import { type GraphRunner, type Sums, type Tensor, addOutputs, copyInto } from '../graph-runner.ts';
import { fromTf, toTf } from './convert.ts';
import { tfjsOps } from './ops/table.ts';
import { type TfTensor, tf } from './tf.ts';

/** One activation of a graph: the outer call, or one iteration of a loop. It owns its tensors. */
interface Scope {
  readonly graph: Graph;
  readonly tensors: Map<Value, TfTensor>;
  readonly outer: Scope | undefined;
}

export class TfjsRunner implements GraphRunner {
  readonly #graph: Graph;
  readonly #activate: () => Promise<void>;
  readonly #plans = new Map<Graph, readonly NodeLifetime[]>();
  readonly #constants = new Map<Value, TfTensor>();

  /** `activate` makes this runner's backend the active one. */
  constructor(graph: Graph, activate: () => Promise<void>) {
    this.#graph = graph;
    this.#activate = activate;
  }

  async run(
    inputs: ReadonlyMap<string, Tensor>,
    into: ReadonlyMap<string, Tensor> = new Map(),
    sums?: Sums,
  ): Promise<Map<string, Tensor>> {
    // Everything below up to the outputs is synchronous, so no other runner can switch the backend in between.
    await this.#activate();
    const scope: Scope = { graph: this.#graph, tensors: new Map(), outer: undefined };
    try {
      for (const value of this.#graph.inputs) {
        const tensor = inputs.get(value.name);
        if (tensor === undefined) throw new MtrlError('GRAPH_INVALID', `the input ${value.name} is missing`);
        scope.tensors.set(value, toTf(tensor));
      }
      const outputs = this.#execute(scope);
      const results = new Map(
        [...this.#graph.outputs].map(([name, value], index): [string, Tensor] => {
          const tensor = required(outputs[index], name);
          return [name, fromTf(tensor, value.dtype)];
        }),
      );
      tf.dispose(outputs);
      copyInto(results, into);
      if (sums !== undefined) await addOutputs(results, sums);
      return results;
    } finally {
      leave(scope);
    }
  }

  release(): Promise<void> {
    tf.dispose([...this.#constants.values()]);
    this.#constants.clear();
    return Promise.resolve();
  }

  /** Computes the graph's outputs in order; the caller owns them. The scope is empty afterwards. */
  #execute(scope: Scope): TfTensor[] {
    for (const { node, lastUsed } of this.#planOf(scope.graph)) {
      const inputs = node.inputs.map((value) => this.#read(scope, value));
      const outputs = node.op === 'Loop' ? this.#loop(scope, node, inputs) : compute(node, inputs);
      node.outputs.forEach((value, index) => {
        scope.tensors.set(value, required(outputs[index], `${node.op} output`));
      });
      for (const value of lastUsed) {
        scope.tensors.get(value)?.dispose();
        scope.tensors.delete(value);
      }
    }
    const results = [...scope.graph.outputs.values()].map((value) => this.#read(scope, value).clone());
    leave(scope);
    return results;
  }

  /** ONNX Loop: runs while the condition holds and trips remain. Returns the carried values, then the stacked ones. */
  #loop(scope: Scope, node: Node, inputs: readonly TfTensor[]): TfTensor[] {
    const body = required(node.body, 'a loop has a body');
    const [trips, condition, ...initial] = inputs;
    const tripCount = wholeNumber(required(trips, 'trips'));
    let goesOn = wholeNumber(required(condition, 'condition')) !== 0;
    let carried = initial.map((tensor) => tensor.clone());
    const stacks = node.outputs.slice(carried.length).map((): TfTensor[] => []);
    for (let iteration = 0; iteration < tripCount && goesOn; iteration++) {
      const starts = [tf.scalar(iteration, 'int32'), tf.scalar(true, 'bool'), ...carried];
      const tensors = new Map(body.inputs.map((value, index) => [value, required(starts[index], value.name)]));
      const [next, ...results] = this.#execute({ graph: body, tensors, outer: scope });
      goesOn = wholeNumber(required(next, 'condition')) !== 0;
      next?.dispose();
      carried = results.slice(0, carried.length);
      stacks.forEach((stack, index) => stack.push(required(results[carried.length + index], 'stacked')));
    }
    return [...carried, ...stacks.map((stack, index) => stacked(stack, node.outputs[carried.length + index]))];
  }

  #read(scope: Scope, value: Value): TfTensor {
    for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
      const tensor = at.tensors.get(value);
      if (tensor !== undefined) return tensor;
    }
    const known = this.#constants.get(value);
    if (known !== undefined) return known;
    const data = scope.graph.constantData(value);
    if (data === undefined) throw new MtrlError('INVARIANT', `${value.name} is read before it is computed`);
    const constant = toTf({ dtype: value.dtype, shape: value.shape.map(Number), data });
    this.#constants.set(value, constant);
    return constant;
  }

  #planOf(graph: Graph): readonly NodeLifetime[] {
    const known = this.#plans.get(graph);
    if (known !== undefined) return known;
    const plan = lifetimes(graph);
    this.#plans.set(graph, plan);
    return plan;
  }
}

/** Computes a node. Outputs are separate tensors even where an op returns its input. */
function compute(node: Node, inputs: readonly TfTensor[]): TfTensor[] {
  if (node.op === 'Loop') throw new MtrlError('INVARIANT', 'loops are executed by the runner');
  const rule = tfjsOps[node.op];
  try {
    return tf.tidy(() => {
      const results = rule(inputs, node.attributes);
      return ('shape' in results ? [results] : [...results]).map((tensor) =>
        inputs.includes(tensor) ? tensor.clone() : tensor,
      );
    });
  } catch (cause) {
    const shapes = inputs.map((tensor) => `${tensor.dtype}[${tensor.shape.join(', ')}]`).join(', ');
    throw new MtrlError('GRAPH_INVALID', `${node.op}(${shapes}) fails in TensorFlow.js`, {
      where: node.site,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

function stacked(stack: readonly TfTensor[], value: Value | undefined): TfTensor {
  if (stack.length === 0) {
    // Without an iteration, sizes that the graph does not fix are unknown; they become 0.
    const shape = (value?.shape ?? []).slice(1).map((dim) => (typeof dim === 'number' ? dim : 0));
    return tf.tensor([], [0, ...shape], value?.dtype === 'int64' ? 'int32' : (value?.dtype ?? 'float32'));
  }
  const result = tf.stack([...stack]);
  tf.dispose([...stack]);
  return result;
}

function wholeNumber(tensor: TfTensor): number {
  return tensor.dataSync()[0] ?? 0;
}

function leave(scope: Scope): void {
  tf.dispose([...scope.tensors.values()]);
  scope.tensors.clear();
}
