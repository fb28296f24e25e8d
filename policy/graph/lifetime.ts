/** Lifetimes of a graph's values: what an interpreter may free after each node, and the peak memory. */
import { type Dim, type Sizes, sizeOf } from './dim.ts';
import type { DType, Graph, Node, Value } from './ir.ts';
import { prune, usedBy } from './prune.ts';

export interface NodeLifetime {
  readonly node: Node;
  /** Inputs and intermediate values of this graph that no later node and no graph output needs. */
  readonly lastUsed: readonly Value[];
}

/** Live nodes in order. Constants and values of enclosing graphs are never freed. */
export function lifetimes(graph: Graph): NodeLifetime[] {
  const { nodes } = prune(graph);
  const own = new Set<Value>([...graph.inputs, ...nodes.flatMap((node) => node.outputs)]);
  const neededLater = new Set<Value>(graph.outputs.values());
  const reversed = [...nodes].reverse().map((node): NodeLifetime => {
    // Outputs count too: an unread second output is freed right after its node.
    const touched = new Set([...usedBy(node), ...node.outputs]);
    const lastUsed = [...touched].filter((value) => own.has(value) && !neededLater.has(value));
    for (const value of touched) neededLater.add(value);
    return { node, lastUsed };
  });
  return reversed.reverse();
}

/** Memory of one call of a graph, in bytes. */
export interface GraphMemory {
  /** Inputs (weights and batch), which the caller owns. */
  readonly inputByteLength: number;
  /** Constants, including those of loop bodies. */
  readonly constantByteLength: number;
  /** Peak of the computed values without outputs, which the caller owns: intermediate values, one iteration of a loop. */
  readonly computedByteLength: number;
  /** The node at which the peak is reached, and the values held there, largest first. */
  readonly peak?: { readonly node: Node; readonly held: readonly Value[] };
}

/**
 * Memory report of one call: nodes run in graph order, and each value is freed after its last reader. The runtime's own
 * overhead is not included (fragmentation of an arena, scratch space of kernels).
 * @param sizes sizes of all symbols in the graph's shapes; symbols created by loops are looked up as `trips` and `loop`
 * @throws GRAPH_INVALID naming a symbol without a size
 */
export function peakBytes(graph: Graph, sizes: Sizes): GraphMemory {
  return memoryReport(graph)(sizes);
}

/** `peakBytes` of one graph for many sizes: what does not depend on them is computed once. */
export function memoryReport(graph: Graph): (sizes: Sizes) => GraphMemory {
  const { constants } = prune(graph);
  const outputs = new Set(graph.parent === undefined ? graph.outputs.values() : []);
  const steps = lifetimes(graph).map(({ node, lastUsed }) => ({
    node,
    lastUsed,
    body: node.body === undefined ? undefined : memoryReport(node.body),
  }));
  return (sizes) => {
    const live = new LiveBytes(sizes, outputs);
    let constantByteLength = total(constants, sizes);
    let computedByteLength = 0;
    let peakStep = -1;
    steps.forEach(({ node, lastUsed, body: bodyOf }, step) => {
      live.begin(node);
      const body = bodyOf?.(sizes);
      constantByteLength += body?.constantByteLength ?? 0;
      const byteLength = live.byteLength + (body === undefined ? 0 : body.inputByteLength + body.computedByteLength);
      if (byteLength > computedByteLength) {
        computedByteLength = byteLength;
        peakStep = step;
      }
      live.end(lastUsed);
    });
    const peak = steps[peakStep]?.node;
    return {
      inputByteLength: total(graph.inputs, sizes),
      constantByteLength,
      computedByteLength,
      ...(peak === undefined
        ? {}
        : { peak: { node: peak, held: heldAt(steps.slice(0, peakStep + 1), new LiveBytes(sizes, outputs)) } }),
    };
  };
}

/** Values held after the last of these nodes, before it frees its inputs; largest first. */
function heldAt(steps: readonly NodeLifetime[], live: LiveBytes): Value[] {
  steps.forEach(({ node, lastUsed }, step) => {
    live.begin(node);
    if (step < steps.length - 1) live.end(lastUsed);
  });
  return live.held();
}

const elementByteLength: Readonly<Record<DType, number>> = { float32: 4, int64: 8, bool: 1 };

function byteLengthOf({ dtype, shape }: Value, sizes: Sizes): number {
  return shape.reduce((product: number, dim: Dim) => product * sizeOf(dim, sizes), elementByteLength[dtype]);
}

function total(values: readonly Value[], sizes: Sizes): number {
  return values.reduce((sum, value) => sum + byteLengthOf(value, sizes), 0);
}

/** Buffers of computed values. A Reshape or Identity shares its input's buffer, which is freed with its last user. */
class LiveBytes {
  byteLength = 0;
  readonly #sizes: Sizes;
  /** Values in the caller's memory. */
  readonly #notOurs: ReadonlySet<Value>;
  /** The value for which a value's buffer was allocated; inputs and constants have none. */
  readonly #ownerOf = new Map<Value, Value>();
  readonly #userCountOf = new Map<Value, number>();

  constructor(sizes: Sizes, notOurs: ReadonlySet<Value>) {
    this.#sizes = sizes;
    this.#notOurs = notOurs;
  }

  begin({ op, inputs, outputs }: Node): void {
    const shares = op === 'Reshape' || op === 'Identity';
    for (const value of outputs) {
      const owner = shares ? this.#ownerOf.get(inputs[0] as Value) : value;
      if (owner === undefined || this.#notOurs.has(value)) continue;
      this.#ownerOf.set(value, owner);
      const userCount = this.#userCountOf.get(owner) ?? 0;
      this.#userCountOf.set(owner, userCount + 1);
      if (userCount === 0) this.byteLength += byteLengthOf(owner, this.#sizes);
    }
  }

  end(values: readonly Value[]): void {
    for (const value of values) {
      const owner = this.#ownerOf.get(value);
      if (owner === undefined) continue;
      const userCount = (this.#userCountOf.get(owner) as number) - 1;
      if (userCount > 0) this.#userCountOf.set(owner, userCount);
      else {
        this.#userCountOf.delete(owner);
        this.byteLength -= byteLengthOf(owner, this.#sizes);
      }
    }
  }

  held(): Value[] {
    const owners = [...this.#userCountOf.keys()];
    return owners.sort((a, b) => byteLengthOf(b, this.#sizes) - byteLengthOf(a, this.#sizes));
  }
}
