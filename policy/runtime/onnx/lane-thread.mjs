/**
 * Worker thread of a lane (lane.ts): it has its own sessions and handles one call at a time. Plain JavaScript, because
 * a TypeScript loader in every thread would take longer to start than the rest of the thread.
 *
 * ONNX Runtime does not accept a SharedArrayBuffer, so a call sees shared memory through an ArrayBuffer at the same
 * address. Copies would cost each lane as much memory as the weights.
 */
import { parentPort } from 'node:worker_threads';
import koffi from 'koffi';
import * as ort from 'onnxruntime-node';

/** Of the C library, for its result: the address of its first argument. */
const memcpy = koffi.load(null).func('void *memcpy(void *, const void *, size_t)');

const sessions = new Map();
/** Unused arrays by length, and the arrays of the current call. */
const spare = new Map();
let borrowed = [];
/** Pending additions of the current call: [sum, values] pairs, without values if its graph has no such output. */
let additions = [];

const verbs = {
  async load({ graph, model, options }) {
    sessions.set(graph, await ort.InferenceSession.create(model, options));
  },

  /** Writes outputs in `into` to the caller's memory, keeps those with a sum for `add`, and returns the others. */
  async run({ graph, inputs, into, sums }) {
    giveBack();
    const session = sessions.get(graph);
    const written = [...into].map(([name, tensor]) => [name, tensor, plain(tensor.data)]);
    const summed = [...sums].map(([name, tensor]) => [
      name,
      tensor,
      session.outputNames.includes(name) ? borrow(tensor.data.length) : undefined,
    ]);
    const computed = [...written, ...summed].filter(([, , values]) => values !== undefined);
    const results = await session.run(
      Object.fromEntries([...inputs].map(([name, tensor]) => [name, toRuntime(tensor, plain(tensor.data))])),
      Object.fromEntries([
        ...session.outputNames.map((name) => [name, null]),
        ...computed.map(([name, tensor, values]) => [name, toRuntime(tensor, values)]),
      ]),
    );
    additions = summed.map(([, { data }, values]) => [data, values]);
    if (summed.length === 0) giveBack();
    const handled = new Set(computed.map(([name]) => name));
    return new Map(
      Object.entries(results)
        .filter(([name]) => !handled.has(name))
        .map(([name, { type, dims, data }]) => [name, { dtype: type, shape: dims, data }]),
    );
  },

  add({ isFirst }) {
    for (const [sum, values] of additions) {
      if (!isFirst) add(sum, values ?? []);
      else if (values === undefined) sum.fill(0);
      else sum.set(values);
    }
    giveBack();
  },

  /** Drops the arrays kept for the next call. */
  trim() {
    giveBack();
    spare.clear();
    // Arrays are freed in the background: the second call waits for those of the first.
    globalThis.gc?.();
    globalThis.gc?.();
  },

  async release({ graph }) {
    await sessions.get(graph)?.release();
    sessions.delete(graph);
  },
};

/** Adds four elements per iteration, which takes three quarters of the time of one per iteration. */
function add(sum, values) {
  const fours = values.length - (values.length % 4);
  for (let i = 0; i < fours; i += 4) {
    sum[i] += values[i];
    sum[i + 1] += values[i + 1];
    sum[i + 2] += values[i + 2];
    sum[i + 3] += values[i + 3];
  }
  for (let i = fours; i < values.length; i++) sum[i] += values[i];
}

/** The same memory in an ArrayBuffer; it lives as long as `data`. */
function plain(data) {
  if (!(data.buffer instanceof SharedArrayBuffer) || data.length === 0) return data;
  return new Float32Array(koffi.view(memcpy(data, data, 0), data.byteLength));
}

function toRuntime({ dtype, shape }, data) {
  return new ort.Tensor(dtype, data, shape);
}

function borrow(length) {
  const array = spare.get(length)?.pop() ?? new Float32Array(length);
  borrowed.push(array);
  return array;
}

function giveBack() {
  for (const array of borrowed) {
    const same = spare.get(array.length) ?? [];
    same.push(array);
    spare.set(array.length, same);
  }
  borrowed = [];
  additions = [];
}

parentPort.on('message', async ({ verb, ...call }) => {
  try {
    parentPort.postMessage({ ok: true, value: await verbs[verb](call) });
  } catch (error) {
    parentPort.postMessage({ ok: false, error });
  }
});
