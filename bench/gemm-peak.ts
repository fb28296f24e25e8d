/** What ONNX Runtime reaches at best on this machine now: one large product of matrices, of which little is input or output. */
import { gemm } from '../policy/graph/build.ts';
import { Graph } from '../policy/graph/ir.ts';
import { openRuntime } from '../policy/runtime/open-runtime.ts';
import type { Tensor } from '../policy/runtime/graph-runner.ts';

const side = 1024;
const inner = 4096;
const repetitionCount = 5;

export interface GemmPeak {
  /** Gigaflops per second, the best of a few products. */
  measure(): Promise<number>;
  close(): Promise<void>;
}

export async function openGemmPeak(threadCount: number): Promise<GemmPeak> {
  const g = new Graph('gemm');
  const [a, b] = [g.input('a', 'float32', [side, inner]), g.input('b', 'float32', [inner, side])];
  g.output('c', gemm(g, a, b));
  const runner = await (await openRuntime({ threadCount })).compile(g);
  const data = new Float32Array(side * inner).fill(0.5);
  const inputs = new Map<string, Tensor>([
    ['a', { dtype: 'float32', shape: [side, inner], data }],
    ['b', { dtype: 'float32', shape: [inner, side], data }],
  ]);
  return {
    close: () => runner.release(),
    async measure() {
      let best = Infinity;
      for (let i = 0; i < repetitionCount; i++) {
        const startedAtMs = performance.now();
        await runner.run(inputs);
        best = Math.min(best, performance.now() - startedAtMs);
      }
      return (2 * side ** 2 * inner) / best / 1e6;
    },
  };
}
