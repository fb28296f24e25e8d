/**
 * Runs GRPO steps of the demo model on one backend and provider in a process of its own: one step per message, answered
 * with its times. Arguments: backend, execution provider. Started by bench/backends.ts.
 */
import type { BackendName } from '../policy/runtime/graph-runner.ts';
import { type StepTimes, ourStep } from './demo.ts';

export interface BackendStepTimes extends StepTimes {
  /** Processor time of the step, summed over all threads: independent of other load on the machine. */
  readonly cpuMs: number;
}

/** Two prompts: the slowest backend finishes them in seconds. */
const promptTokenCounts = [40, 48];
const completionTokenCounts = Array.from({ length: 16 }, (_, index) => 7 + (index % 20));

const [backend, executionProvider] = process.argv.slice(2);
const { step } = await ourStep(promptTokenCounts, completionTokenCounts, {
  threadCount: 1,
  backend: backend as BackendName,
  executionProvider: executionProvider ?? '',
});
process.on('message', () => {
  const before = process.cpuUsage();
  void step().then((times): void => {
    const { user, system } = process.cpuUsage(before);
    process.send?.({ ...times, cpuMs: (user + system) / 1000 } satisfies BackendStepTimes);
  });
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
