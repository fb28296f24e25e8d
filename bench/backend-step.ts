/**
 * One backend on one provider in a process of its own: a GRPO step of the demo model for every message, answered with its
 * times. Arguments: backend, execution provider. bench/backends.ts starts it.
 */
import type { BackendName } from '../policy/runtime/graph-runner.ts';
import { type StepTimes, ourStep } from './demo.ts';

export interface BackendStepTimes extends StepTimes {
  /** Processor time of the step, all threads together: it does not grow when others use the machine. */
  readonly cpuMs: number;
}

/** Two prompts: what the slowest backend does in seconds. */
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
