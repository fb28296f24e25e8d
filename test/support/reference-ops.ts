/**
 * Every op of the table in float64 with naive loops, written from the ONNX operator specification (opset 21) and ONNX
 * Runtime's contrib operator page: the independent reference for other backends.
 */
import type { Attributes, DType } from '../../policy/graph/ir.ts';
import type { OpName } from '../../policy/graph/op-row.ts';
import {
  type ReferenceTensor as Tensor,
  at,
  broadcastShape,
  countOf,
  flatten,
  indicesOf,
  moved,
  range,
  read,
  readBroadcast,
  tabulate,
} from './reference-tensor.ts';

/** Inputs as in ONNX; attributes that only serve our shape inference are not read. */
export type ReferenceOp = (inputs: readonly Tensor[], attributes: Attributes, outputCount: number) => Tensor[];

export const referenceOps: Readonly<Record<Exclude<OpName, 'Loop'>, ReferenceOp>> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b, dtype) => (dtype === 'int64' ? Math.trunc(a / b) : a / b)),
  Min: binary((a, b) => Math.min(a, b)),
  Max: binary((a, b) => Math.max(a, b)),
  Neg: unary((x) => 0 - x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Tanh: unary(Math.tanh),
  Erf: unary(erf),
  Gelu: ([x], attributes) => {
    const form = attributes['approximate'] === 'tanh' ? geluTanh : (v: number) => 0.5 * v * (1 + erf(v / Math.SQRT2));
    return [map(the(x), form)];
  },
  Equal: comparison((a, b) => a === b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Greater: comparison((a, b) => a > b),
  And: comparison((a, b) => a === 1 && b === 1),
  Or: comparison((a, b) => a === 1 || b === 1),
  Not: unary((x) => 1 - x),
  Where: ([condition, a, b]) => {
    const shape = broadcastShape(the(condition).shape, the(a).shape, the(b).shape);
    return [
      tabulate(the(a).dtype, shape, (index) =>
        readBroadcast(readBroadcast(the(condition), index) === 1 ? the(a) : the(b), index),
      ),
    ];
  },
  Cast: ([x], attributes) => {
    const to = attributes['to'] as DType;
    const convert = { float32: (v: number) => v, int64: Math.trunc, bool: (v: number) => (v === 0 ? 0 : 1) }[to];
    return [{ ...map(the(x), convert), dtype: to }];
  },
  Identity: unary((x) => x),

  MatMul: ([a, b]) => [matMul(the(a), the(b), false, false, 1)],
  FusedMatMul: ([a, b], attributes) => [
    matMul(the(a), the(b), flag(attributes, 'transA'), flag(attributes, 'transB'), number(attributes, 'alpha', 1)),
  ],
  Gemm: ([a, b, c], attributes) => {
    const alpha = number(attributes, 'alpha', 1);
    const y = matMul(the(a), the(b), flag(attributes, 'transA'), flag(attributes, 'transB'), alpha);
    if (c === undefined) return [y];
    const beta = number(attributes, 'beta', 1);
    return [tabulate('float32', y.shape, (index) => read(y, index) + beta * readBroadcast(c, index))];
  },

  Reshape: ([x, target]) => {
    const copied = the(target).data.map((size, axis) => (size === 0 ? at(the(x).shape, axis) : size));
    const known = countOf(copied.filter((size) => size !== -1));
    const shape = copied.map((size) => (size === -1 ? the(x).data.length / known : size));
    if (countOf(shape) !== the(x).data.length) throw new Error(`Reshape to [${shape.join(',')}] changes the size`);
    return [{ ...the(x), shape }];
  },
  Transpose: ([x], attributes) => {
    const perm = attributes['perm'] as readonly number[];
    const shape = perm.map((axis) => at(the(x).shape, axis));
    return [
      tabulate(the(x).dtype, shape, (index) =>
        read(
          the(x),
          perm.map((_, axis) => at(index, perm.indexOf(axis))),
        ),
      ),
    ];
  },
  Concat: (inputs, attributes) => {
    const first = at(inputs, 0);
    const axis = axisAttribute(attributes, first.shape.length);
    // The axis as a list of (part, position in the part).
    const places = inputs.flatMap((part) => range(at(part.shape, axis)).map((position) => ({ part, position })));
    return [
      tabulate(first.dtype, moved(first.shape, axis, places.length), (index) => {
        const { part, position } = at(places, at(index, axis));
        return read(part, moved(index, axis, position));
      }),
    ];
  },
  Slice: ([x, starts, ends, axes]) => [
    the(axes).data.reduce((sliced, axis, i) => {
      const size = at(sliced.shape, axis);
      const clamp = (bound: number): number => Math.min(size, Math.max(0, bound < 0 ? bound + size : bound));
      return cut(sliced, axis, clamp(at(the(starts).data, i)), clamp(at(the(ends).data, i)));
    }, the(x)),
  ],
  Split: ([x, parts], attributes) => {
    const axis = axisAttribute(attributes, the(x).shape.length);
    let start = 0;
    return the(parts).data.map((size) => cut(the(x), axis, start, (start += size)));
  },
  Expand: ([x, target]) => [
    tabulate(the(x).dtype, broadcastShape(the(x).shape, the(target).data), (index) => readBroadcast(the(x), index)),
  ],
  Gather: ([x, indices], attributes) => {
    const axis = axisAttribute(attributes, the(x).shape.length);
    const rank = the(indices).shape.length;
    const size = at(the(x).shape, axis);
    const shape = [...the(x).shape.slice(0, axis), ...the(indices).shape, ...the(x).shape.slice(axis + 1)];
    return [
      tabulate(the(x).dtype, shape, (index) => {
        const position = wrap(read(the(indices), index.slice(axis, axis + rank)), size);
        return read(the(x), [...index.slice(0, axis), position, ...index.slice(axis + rank)]);
      }),
    ];
  },
  GatherElements: ([x, indices], attributes) => {
    const axis = axisAttribute(attributes, the(x).shape.length);
    const size = at(the(x).shape, axis);
    return [
      tabulate(the(x).dtype, the(indices).shape, (index) =>
        read(the(x), moved(index, axis, wrap(read(the(indices), index), size))),
      ),
    ];
  },
  ScatterElements: ([base, indices, updates], attributes) => {
    const axis = axisAttribute(attributes, the(base).shape.length);
    const isSum = attributes['reduction'] === 'add';
    const { dtype, shape, data } = the(base);
    const result = [...data];
    for (const index of indicesOf(the(indices).shape)) {
      const flat = flatten(moved(index, axis, wrap(read(the(indices), index), at(shape, axis))), shape);
      result[flat] = (isSum ? at(result, flat) : 0) + read(the(updates), index);
    }
    return [{ dtype, shape, data: result }];
  },
  Shape: ([x]) => [{ dtype: 'int64', shape: [the(x).shape.length], data: the(x).shape }],
  ConstantOfShape: ([shape]) => [tabulate('float32', the(shape).data, () => 0)],
  OneHot: ([indices, depth, values]) => {
    const size = at(the(depth).data, 0);
    const [off, on] = [at(the(values).data, 0), at(the(values).data, 1)];
    return [
      tabulate(the(values).dtype, [...the(indices).shape, size], (index) =>
        wrap(read(the(indices), index.slice(0, -1)), size) === index.at(-1) ? on : off,
      ),
    ];
  },

  ReduceSum: reduction((values) => sum(values)),
  ReduceMean: reduction((values) => sum(values) / values.length),
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceSumSquare: reduction((values) => sum(values.map((v) => v * v))),
  ArgMax: ([x], attributes) => {
    const axis = axisAttribute(attributes, the(x).shape.length);
    const kept = tabulate('int64', moved(the(x).shape, axis, 1), (index) => {
      const row = line(the(x), index, axis);
      return row.indexOf(Math.max(...row));
    });
    return [
      number(attributes, 'keepdims', 1) === 1 ? kept : { ...kept, shape: kept.shape.filter((_, i) => i !== axis) },
    ];
  },
  TopK: ([x, k], attributes) => {
    const axis = axisAttribute(attributes, the(x).shape.length);
    const shape = moved(the(x).shape, axis, at(the(k).data, 0));
    // Array.prototype.sort is stable: the first of equal values comes first.
    const order = (index: readonly number[]): number[] => {
      const row = line(the(x), index, axis);
      return range(row.length).sort((a, b) => at(row, b) - at(row, a));
    };
    const indices = tabulate('int64', shape, (index) => at(order(index), at(index, axis)));
    const values = tabulate('float32', shape, (index) => read(the(x), moved(index, axis, read(indices, index))));
    return [values, indices];
  },
  CumSum: ([x, axisInput]) => {
    const axis = wrap(at(the(axisInput).data, 0), the(x).shape.length);
    return [
      tabulate(the(x).dtype, the(x).shape, (index) => sum(line(the(x), index, axis).slice(0, at(index, axis) + 1))),
    ];
  },
  Softmax: ([x], attributes) => [alongAxis(the(x), attributes, (v, row) => Math.exp(v - logSumExp(row)))],
  LogSoftmax: ([x], attributes) => [alongAxis(the(x), attributes, (v, row) => v - logSumExp(row))],

  LayerNormalization: ([x, scale, bias], attributes, outputCount) => {
    const epsilon = number(attributes, 'epsilon', 1e-5);
    const mean = lastAxis(the(x), (row) => sum(row) / row.length);
    const inverse = lastAxis(the(x), (row) => {
      const center = sum(row) / row.length;
      return 1 / Math.sqrt(sum(row.map((v) => (v - center) ** 2)) / row.length + epsilon);
    });
    const y = tabulate('float32', the(x).shape, (index) => {
      const xHat = (read(the(x), index) - readBroadcast(mean, index)) * readBroadcast(inverse, index);
      return xHat * readBroadcast(the(scale), index) + readBroadcast(the(bias), index);
    });
    return [y, mean, inverse].slice(0, outputCount);
  },
  SimplifiedLayerNormalization: ([x, scale], attributes, outputCount) => {
    const epsilon = number(attributes, 'epsilon', 1e-5);
    const inverse = lastAxis(the(x), (row) => 1 / Math.sqrt(sum(row.map((v) => v * v)) / row.length + epsilon));
    const y = tabulate(
      'float32',
      the(x).shape,
      (index) => read(the(x), index) * readBroadcast(inverse, index) * readBroadcast(the(scale), index),
    );
    return [y, inverse].slice(0, outputCount);
  },
  RotaryEmbedding: ([x, positions, cosine, sine]) => {
    const half = at(the(x).shape, 3) / 2;
    return [
      tabulate('float32', the(x).shape, ([b, h, s, d]) => {
        const [row, pair] = [read(the(positions), [the(b), the(s)]), the(d) % half];
        const [c, sn] = [read(the(cosine), [row, pair]), read(the(sine), [row, pair])];
        const component = (i: number): number => read(the(x), [the(b), the(h), the(s), i]);
        return the(d) < half
          ? component(pair) * c - component(pair + half) * sn
          : component(pair + half) * c + component(pair) * sn;
      }),
    ];
  },
};

function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an input of the op is missing');
  return value;
}

function flag(attributes: Attributes, name: string): boolean {
  return attributes[name] === 1;
}

function number(attributes: Attributes, name: string, fallback: number): number {
  return (attributes[name] ?? fallback) as number;
}

function wrap(index: number, size: number): number {
  const position = index < 0 ? index + size : index;
  if (position < 0 || position >= size) throw new Error(`index ${index} is outside ${size}`);
  return position;
}

function axisAttribute(attributes: Attributes, rank: number): number {
  return wrap(number(attributes, 'axis', -1), rank);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function map(x: Tensor, f: (value: number) => number): Tensor {
  return { ...x, data: x.data.map((value) => f(value)) };
}

function unary(f: (value: number) => number): ReferenceOp {
  return ([x]) => [map(the(x), f)];
}

function binary(f: (a: number, b: number, dtype: DType) => number): ReferenceOp {
  return ([a, b]) => [zip(the(a), the(b), the(a).dtype, (x, y) => f(x, y, the(a).dtype))];
}

function comparison(f: (a: number, b: number) => boolean): ReferenceOp {
  return ([a, b]) => [zip(the(a), the(b), 'bool', (x, y) => (f(x, y) ? 1 : 0))];
}

function zip(a: Tensor, b: Tensor, dtype: DType, f: (x: number, y: number) => number): Tensor {
  return tabulate(dtype, broadcastShape(a.shape, b.shape), (index) =>
    f(readBroadcast(a, index), readBroadcast(b, index)),
  );
}

function cut(x: Tensor, axis: number, start: number, end: number): Tensor {
  return tabulate(x.dtype, moved(x.shape, axis, Math.max(0, end - start)), (index) =>
    read(x, moved(index, axis, at(index, axis) + start)),
  );
}

/** The elements along one axis through an index. */
function line(x: Tensor, index: readonly number[], axis: number): number[] {
  return range(at(x.shape, axis)).map((position) => read(x, moved(index, axis, position)));
}

function alongAxis(x: Tensor, attributes: Attributes, f: (value: number, row: readonly number[]) => number): Tensor {
  const axis = axisAttribute(attributes, x.shape.length);
  return tabulate('float32', x.shape, (index) => f(read(x, index), line(x, index, axis)));
}

function lastAxis(x: Tensor, f: (row: readonly number[]) => number): Tensor {
  const axis = x.shape.length - 1;
  return tabulate('float32', moved(x.shape, axis, 1), (index) => f(line(x, index, axis)));
}

function logSumExp(row: readonly number[]): number {
  const top = Math.max(...row);
  return top + Math.log(sum(row.map((v) => Math.exp(v - top))));
}

/** Without axes, ONNX reduces over all of them (noop_with_empty_axes = 0). */
function reduction(f: (values: readonly number[]) => number): ReferenceOp {
  return ([x, axesInput], attributes) => {
    const rank = the(x).shape.length;
    const given = (axesInput?.data ?? []).map((axis) => wrap(axis, rank));
    const axes = given.length === 0 ? range(rank) : given;
    const kept = the(x).shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const reduced = the(x).shape.map((size, axis) => (axes.includes(axis) ? size : 1));
    const y = tabulate(the(x).dtype, kept, (outer) =>
      f(
        indicesOf(reduced).map((inner) =>
          read(
            the(x),
            inner.map((i, axis) => i + at(outer, axis)),
          ),
        ),
      ),
    );
    const isKept = number(attributes, 'keepdims', 1) === 1;
    return [isKept ? y : { ...y, shape: y.shape.filter((_, axis) => !axes.includes(axis)) }];
  };
}

function matMul(a: Tensor, b: Tensor, transA: boolean, transB: boolean, alpha: number): Tensor {
  const [rowsA, columnsA] = [at(a.shape, a.shape.length - 2), at(a.shape, a.shape.length - 1)];
  const [rowsB, columnsB] = [at(b.shape, b.shape.length - 2), at(b.shape, b.shape.length - 1)];
  const inner = transA ? rowsA : columnsA;
  if (inner !== (transB ? columnsB : rowsB)) throw new Error('inner sizes of a matrix product differ');
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const element = (x: Tensor, outer: readonly number[], row: number, column: number): number => {
    const own = x.shape.slice(0, -2);
    const offset = outer.length - own.length;
    return read(x, [...own.map((size, axis) => (size === 1 ? 0 : at(outer, axis + offset))), row, column]);
  };
  return tabulate('float32', [...batch, transA ? columnsA : rowsA, transB ? rowsB : columnsB], (index) => {
    const outer = index.slice(0, -2);
    const [row, column] = [at(index, index.length - 2), at(index, index.length - 1)];
    return (
      alpha *
      sum(
        range(inner).map(
          (k) =>
            (transA ? element(a, outer, k, row) : element(a, outer, row, k)) *
            (transB ? element(b, outer, column, k) : element(b, outer, k, column)),
        ),
      )
    );
  });
}

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Maclaurin series; beyond 4, erf is 1 to eight digits. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; n < 120; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
