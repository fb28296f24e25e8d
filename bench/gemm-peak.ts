/**
 * The best matrix-product speed that ONNX Runtime reaches on this machine at the moment, on large products with little
 * input and output. Threads either share each product or run products of their own: the faster way counts.
 */
import { gemm } from '../policy/graph/build.ts';
import { emitOnnx } from '../policy/graph/emit.ts';
import { Graph } from '../policy/graph/ir.ts';
import type { Tensor } from '../policy/runtime/graph-runner.ts';
import { Lanes, sharedZeros } from '../policy/runtime/onnx/lanes.ts';
import { Session } from '../policy/runtime/onnx/session.ts';

const side = 1024;
const inner = 4096;
/** The product a b a b: copying a and b into the lanes costs little compared with it. */
const productCount = 3;
const repetitionCount = 3;

export interface GemmPeak {
  /** Gigaflops per second, the best of a few repetitions. */
  measure(): Promise<number>;
  close(): Promise<void>;
}

export async function openGemmPeak(threadCount: number): Promise<GemmPeak> {
  const g = new Graph('gemm');
  const [a, b] = [g.input('a', 'float32', [side, inner]), g.input('b', 'float32', [inner, side])];
  g.output('c', gemm(g, gemm(g, gemm(g, a, b), a), b));
  const lanes = new Lanes(threadCount);
  const [together, apart] = [await Session.create(emitOnnx(g), { threadCount }), await lanes.compile(g)];
  const inputsOf = (data: Float32Array): Map<string, Tensor> =>
    new Map([
      ['a', { dtype: 'float32', shape: [side, inner], data }],
      ['b', { dtype: 'float32', shape: [inner, side], data }],
    ]);
  const memories = [new Float32Array(side * inner), sharedZeros(side * inner)] as const;
  const [plain, inLanes] = [inputsOf(memories[0].fill(1 / 64)), inputsOf(memories[1].fill(1 / 64))];
  const ways = [
    { count: 1, run: () => together.run(plain) },
    {
      count: threadCount,
      run: () => Promise.all(Array.from({ length: threadCount }, () => apart.run(inLanes))),
    },
  ];
  return {
    close: () => Promise.all([together.release(), lanes.close()]).then(() => undefined),
    async measure() {
      let best = 0;
      for (let i = 0; i < repetitionCount; i++) {
        for (const { count, run } of ways) {
          const startedAtMs = performance.now();
          await run();
          const ms = performance.now() - startedAtMs;
          best = Math.max(best, (count * productCount * 2 * side ** 2 * inner) / ms / 1e6);
        }
      }
      return best;
    },
  };
}
