/**
 * Prints as JSON what a runtime keeps on its device: a graph increments a counter in place. Reports the caller's memory
 * after three calls, the squares that another graph computes, and the caller's memory after Runtime.settle and after
 * one more call. Arguments: backend, execution provider.
 */
import { add, mul } from '../../policy/graph/build.ts';
import { Graph } from '../../policy/graph/ir.ts';
import type { BackendName, Tensor } from '../../policy/runtime/graph-runner.ts';
import { openRuntime } from '../../policy/runtime/open-runtime.ts';

const [backend, executionProvider] = process.argv.slice(2) as [BackendName, string];
const runtime = await openRuntime({ threadCount: 1, backend, executionProvider });

const raise = new Graph('raise');
const before = raise.input('x', 'float32', [2, 3]);
raise.output('next', add(raise, before, raise.scalar(1)));
const square = new Graph('square');
const x = square.input('x', 'float32', [2, 3]);
square.output('y', mul(square, x, x));

const counter: Tensor = { dtype: 'float32', shape: [2, 3], data: Float32Array.of(0, 10, 20, 30, 40, 50) };
const inputs = new Map([['x', counter]]);
const raising = await runtime.compile(raise, { keepsOutputs: true });
const squaring = await runtime.compile(square);
const read = (tensor: Tensor | undefined): number[] => [...((tensor?.data ?? []) as Float32Array)];
const count = async (): Promise<void> => {
  await raising.run(inputs, new Map([['next', counter]]));
};

for (let call = 0; call < 3; call++) await count();
const unsettled = read(counter);
const squares = read((await squaring.run(inputs)).get('y'));
await runtime.settle?.();
const settled = read(counter);
await count();
await runtime.settle?.();
const later = read(counter);
runtime.forget?.();
process.stdout.write(`${JSON.stringify({ unsettled, squares, settled, later })}\n`);
process.exit(0);
