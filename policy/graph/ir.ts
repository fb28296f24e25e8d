/**
 * The graph IR: nodes with ONNX op names over typed values. A Graph is built by calls of `op`. Every call is checked
 * against the op table at once, so an invalid graph fails at the builder line that wrote it.
 */
import { MtrlError } from '../../core/errors.ts';
import { type Dim, type Shape, sameShape, shapeText, symbolsOf } from './dim.ts';
import type { OpName } from './op-row.ts';
import { opRow } from './op-table.ts';

/** Root folder of the sources, or of their compiled form, which has the same line numbers. */
const programRoot = new URL('../../', import.meta.url).pathname;

export type DType = 'float32' | 'int64' | 'bool';

/** A tensor of the graph. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node that computes it; inputs and constants have none. */
  readonly producer?: Node;
}

export type Attribute = number | string | readonly number[];
export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  readonly op: OpName;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
  /** Loop body; only for Loop. */
  readonly body?: Graph;
  /** Source line of the builder that added this node. */
  readonly site: string;
}

/** Where the size of a symbolic dimension can be read at run time. */
export interface SymbolSource {
  readonly graph: Graph;
  readonly value: Value;
  readonly axis: number;
}

export type ConstantData = Float32Array | BigInt64Array | Uint8Array;

/** Nodes [from, to) of a graph, such as a layer, whose values the backward pass may recompute instead of keeping. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

export interface OpOptions {
  readonly attributes?: Attributes;
  readonly body?: Graph;
}

export class Graph {
  readonly name: string;
  /** The enclosing graph of a loop body, whose values the body can read. */
  readonly parent: Graph | undefined;
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly constants = new Map<Value, ConstantData>();
  readonly outputs = new Map<string, Value>();
  /** In order; they neither overlap nor nest. */
  readonly segments: Segment[] = [];
  readonly #constantByText = new Map<string, Value>();
  readonly #nodeByText = new Map<string, Node>();
  /** Where the size of a symbol can be read at run time. */
  readonly #symbolSource = new Map<string, SymbolSource>();
  #nextId = 0;

  constructor(name: string, parent?: Graph) {
    this.name = name;
    this.parent = parent;
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    const value: Value = { name: this.parent === undefined ? name : this.freshName(name), dtype, shape };
    if (this.inputs.some((input) => input.name === value.name))
      throw graphError(`graph ${this.name} has two inputs named ${name}`);
    this.inputs.push(value);
    this.#noteSymbols(value);
    return value;
  }

  output(name: string, value: Value): void {
    if (this.outputs.has(name)) throw graphError(`graph ${this.name} has two outputs named ${name}`);
    if (this.inputs.some((input) => input.name === name))
      throw graphError(`graph ${this.name} has an input and an output named ${name}`);
    this.outputs.set(name, value);
  }

  /** Adds a constant tensor, or returns an equal existing one. */
  constant(data: ConstantData, shape: Shape): Value {
    const dtype: DType = data instanceof Float32Array ? 'float32' : data instanceof BigInt64Array ? 'int64' : 'bool';
    const text = `${dtype}${shapeText(shape)}${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`;
    const known = this.#constantByText.get(text) ?? this.parent?.knownConstant(text);
    if (known !== undefined) return known;
    const value: Value = { name: this.freshName('c'), dtype, shape };
    this.constants.set(value, data);
    this.#constantByText.set(text, value);
    return value;
  }

  knownConstant(text: string): Value | undefined {
    return this.#constantByText.get(text) ?? this.parent?.knownConstant(text);
  }

  /** Data of a constant of this graph or of an enclosing one; undefined for any other value. */
  constantData(value: Value): ConstantData | undefined {
    return this.constants.get(value) ?? this.parent?.constantData(value);
  }

  scalar(value: number): Value {
    return this.constant(Float32Array.of(value), []);
  }

  int64(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Adds a node and returns its outputs, or those of an equal existing node (common subexpression elimination). */
  op(name: OpName, inputs: readonly Value[], options: OpOptions = {}): Value[] {
    const attributes = options.attributes ?? {};
    const text =
      options.body === undefined
        ? `${name}(${inputs.map((input) => input.name).join(',')})${JSON.stringify(attributes)}`
        : undefined;
    const known = text === undefined ? undefined : this.#nodeByText.get(text);
    if (known !== undefined) return [...known.outputs];
    const trace = builderTrace();
    const row = opRow(name);
    let types: readonly { readonly dtype: DType; readonly shape: Shape }[];
    try {
      types = row.infer({
        graph: this,
        inputs,
        attributes,
        ...(options.body === undefined ? {} : { body: options.body }),
      });
    } catch (error) {
      throw illegal(name, inputs, error instanceof Error ? error.message : String(error), siteIn(trace));
    }
    const outputs: Value[] = [];
    const node: Node = {
      op: name,
      inputs,
      outputs,
      attributes,
      get site() {
        return siteIn(trace);
      },
      ...(options.body === undefined ? {} : { body: options.body }),
    };
    for (const type of types) {
      const value: Value = { name: this.freshName(name.toLowerCase()), ...type, producer: node };
      outputs.push(value);
      this.#noteSymbols(value);
    }
    this.nodes.push(node);
    if (text !== undefined) this.#nodeByText.set(text, node);
    return [...outputs];
  }

  /** Records the nodes that `build` adds as a segment. */
  segment<T>(build: () => T): T {
    const from = this.nodes.length;
    const built = build();
    this.segments.push({ from, to: this.nodes.length });
    return built;
  }

  /** A new symbol for a size that is known only at run time. */
  freshSymbol(prefix: string): string {
    return `${prefix}_${this.freshName('')}`;
  }

  /** The value and axis from which the size of a symbol can be read. */
  symbolSource(symbol: string): SymbolSource {
    const source = this.#symbolSource.get(symbol) ?? this.parent?.symbolSource(symbol);
    if (source === undefined) throw graphError(`no tensor of graph ${this.name} has the dimension ${symbol}`);
    return source;
  }

  freshName(prefix: string): string {
    if (this.parent !== undefined) return this.parent.freshName(prefix);
    return `${prefix}${this.#nextId++}`;
  }

  #noteSymbols(value: Value): void {
    value.shape.forEach((dim: Dim, axis: number) => {
      const [symbol, ...rest] = symbolsOf(dim);
      if (symbol !== undefined && rest.length === 0 && symbol === dim && !this.#symbolSource.has(symbol)) {
        this.#symbolSource.set(symbol, { graph: this, value, axis });
      }
    });
  }
}

/** Throws GRAPH_INVALID unless the value has the expected shape; builders assert their assumptions with it. */
export function expectShape(value: Value, shape: Shape, what: string): void {
  if (!sameShape(value.shape, shape)) {
    throw graphError(`${what} has shape ${shapeText(value.shape)}, expected ${shapeText(shape)}`);
  }
}

/** GRAPH_INVALID error located at the current builder line. */
export function graphError(message: string): MtrlError {
  return new MtrlError('GRAPH_INVALID', message, { where: siteIn(builderTrace()) });
}

function illegal(name: OpName, inputs: readonly Value[], reason: string, site: string): MtrlError {
  const tensors = inputs.map((input) => `${input.name}: ${input.dtype}${shapeText(input.shape)}`).join(', ');
  return new MtrlError('GRAPH_INVALID', `${name}(${tensors}): ${reason}`, { where: site });
}

/** Current stack trace. Its text is formatted on first read, which most nodes never need. */
function builderTrace(): Error {
  const limit = Error.stackTraceLimit;
  // Calls in build.ts nest up to eleven deep.
  Error.stackTraceLimit = 20;
  const trace = new Error('trace');
  Error.stackTraceLimit = limit;
  return trace;
}

/** First stack frame outside ir.ts, build.ts and gradient.ts: the line of a model, an objective or a gradient rule. */
function siteIn(trace: Error): string {
  const frames = (trace.stack ?? '').split('\n');
  const frame =
    frames.find((line) => line.includes(programRoot) && !/policy\/graph\/(ir|build|gradient)\.[jt]s/.test(line)) ?? '';
  return (
    /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/.exec(frame)?.[1]?.split(programRoot)[1]?.replace('.js:', '.ts:') ??
    'unknown'
  );
}
