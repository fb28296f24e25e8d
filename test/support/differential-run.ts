/**
 * Prints as JSON the differences between a backend on a provider and ONNX Runtime on the CPU. It is a process of its
 * own, because a graphics driver is chosen by environment variables at process start, and a crash in it must not end
 * the tests. Arguments: backend, execution provider, then checkpoints for whole steps; without any, every op case
 * is run.
 */
import type { BackendName, RuntimeSettings } from '../../policy/runtime/graph-runner.ts';
import { type StepName, opDifferences, stepDifference } from './differential.ts';

const [backend, executionProvider, ...names] = process.argv.slice(2);
const settings: RuntimeSettings = {
  threadCount: 1,
  backend: backend as BackendName,
  executionProvider: executionProvider ?? '',
};
const results: unknown[] = names.length === 0 ? await opDifferences(settings) : [];
for (const name of names) results.push(await stepDifference(name as StepName, settings));
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);
