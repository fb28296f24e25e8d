/** Measures this machine's current matrix-product rate, from which step times are estimated. */
import { linear } from '../graph/build.ts';
import { Graph } from '../graph/ir.ts';
import type { Runtime, Tensor } from './graph-runner.ts';

const repetitionCount = 5;

/**
 * Floating-point operations per second of x [rows, inner] @ weight^T with weight [columns, inner], summed over all
 * lanes; the best of several repetitions.
 */
export async function gemmRate(runtime: Runtime, rows: number, inner: number, columns: number): Promise<number> {
  const g = new Graph('gemm-rate');
  const shapes = { x: [rows, inner], weight: [columns, inner] } as const;
  g.output('y', linear(g, g.input('x', 'float32', shapes.x), g.input('weight', 'float32', shapes.weight)));
  const inputs = Object.entries(shapes).map(([name, shape]): [string, Tensor] => [
    name,
    { dtype: 'float32', shape, data: new Float32Array(shape[0] * shape[1]).fill(0.5) },
  ]);
  const runner = await runtime.compile(g);
  const { laneCount = 1 } = runtime;
  let best = Infinity;
  for (let i = 0; i < repetitionCount; i++) {
    const startedAtMs = performance.now();
    await Promise.all(Array.from({ length: laneCount }, () => runner.run(new Map(inputs))));
    best = Math.min(best, performance.now() - startedAtMs);
  }
  await runner.release();
  return (laneCount * 2 * rows * inner * columns * 1000) / best;
}
