/**
 * Prints as JSON the differences between a backend on a provider and ONNX Runtime on the CPU. It is a process of its
 * own, because a graphics driver is chosen by environment variables at process start, and a crash in it must not end
 * the tests. Arguments: backend, execution provider, then fixture kinds for whole steps; without kinds, every op case
 * is run.
 */
import type { BackendName, RuntimeSettings } from '../../policy/runtime/graph-runner.ts';
import { opDifferences, stepDifference } from './differential.ts';
import type { FixtureKind } from './idefics3-fixture.ts';

const [backend, executionProvider, ...kinds] = process.argv.slice(2);
const settings: RuntimeSettings = {
  threadCount: 1,
  backend: backend as BackendName,
  executionProvider: executionProvider ?? '',
};
const results: unknown[] = kinds.length === 0 ? await opDifferences(settings) : [];
for (const kind of kinds) results.push(await stepDifference(kind as FixtureKind, settings));
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);
