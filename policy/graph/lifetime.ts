/** How long each value of a graph is needed: what an interpreter may free behind a node, and what is held at most. */
import { type Dim, type Sizes, sizeOf } from './dim.ts';
import type { DType, Graph, Node, Value } from './ir.ts';
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
    // Outputs count too: an unread second output of a node ends where it begins.
    const touched = new Set([...usedBy(node), ...node.outputs]);
    const lastUsed = [...touched].filter((value) => own.has(value) && !neededLater.has(value));
    for (const value of touched) neededLater.add(value);
    return { node, lastUsed };
  });
  return reversed.reverse();
}

/** What one call of a graph holds, in bytes. */
export interface GraphMemory {
  /** The inputs: weights and batch. They are the caller's. */
  readonly inputByteLength: number;
  /** Constants, those of loop bodies included. */
  readonly constantByteLength: number;
  /** Most that computed values hold at once: outputs so far, intermediate values, and one iteration of a loop. */
  readonly computedByteLength: number;
  /** The node at which that is reached, and what is held there, largest first. */
  readonly peak?: { readonly node: Node; readonly held: readonly Value[] };
}

/**
 * The buffer lifetime report: nodes in the order of the graph, each value freed behind its last reader. What a runtime
 * takes beyond that is its own (an arena that keeps holes, scratch space of kernels).
 * @param sizes every symbol of the graph's shapes; those that loops make are looked up as `trips` and `loop`
 * @throws GRAPH_INVALID naming a symbol without a size
 */
export function peakBytes(graph: Graph, sizes: Sizes): GraphMemory {
  return memoryReport(graph)(sizes);
}

/** `peakBytes` of one graph for many sizes: what does not depend on them is found once. */
export function memoryReport(graph: Graph): (sizes: Sizes) => GraphMemory {
  const { constants } = prune(graph);
  const steps = lifetimes(graph).map(({ node, lastUsed }) => ({
    node,
    lastUsed,
    body: node.body === undefined ? undefined : memoryReport(node.body),
  }));
  return (sizes) => {
    const live = new LiveBytes(sizes);
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
      ...(peak === undefined ? {} : { peak: { node: peak, held: heldAt(steps.slice(0, peakStep + 1), sizes) } }),
    };
  };
}

/** Behind the last of these nodes, before it frees what it read. */
function heldAt(steps: readonly NodeLifetime[], sizes: Sizes): Value[] {
  const live = new LiveBytes(sizes);
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

/** Buffers of computed values. A Reshape or Identity shares the buffer of its input, which lives as long as one of them. */
class LiveBytes {
  byteLength = 0;
  readonly #sizes: Sizes;
  /** The value that a value's buffer was made for; inputs and constants have none. */
  readonly #ownerOf = new Map<Value, Value>();
  readonly #userCountOf = new Map<Value, number>();

  constructor(sizes: Sizes) {
    this.#sizes = sizes;
  }

  begin({ op, inputs, outputs }: Node): void {
    const shares = op === 'Reshape' || op === 'Identity';
    for (const value of outputs) {
      const owner = shares ? this.#ownerOf.get(inputs[0] as Value) : value;
      if (owner === undefined) continue;
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
