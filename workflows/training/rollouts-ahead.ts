/** Rollouts and rewards of a run's next step, made while the current one trains. */
import { CancellationScope } from '@temporalio/workflow';
import type { SampledStep } from '../../contract/activities.ts';

export class RolloutsAhead {
  #next: { readonly scope: CancellationScope; readonly sampled: Promise<SampledStep> } | undefined;

  /** @param carried those that were there when the run continued as new */
  constructor(carried: SampledStep | undefined) {
    if (carried) this.#next = { scope: new CancellationScope(), sampled: Promise.resolve(carried) };
  }

  start(sample: () => Promise<SampledStep>): void {
    const scope = new CancellationScope();
    const sampled = scope.run(sample);
    // The step that takes them fails with it.
    sampled.catch(() => undefined);
    this.#next = { scope, sampled };
  }

  /** Waits for them. Undefined if none were started. */
  async take(): Promise<SampledStep | undefined> {
    const next = this.#next;
    this.#next = undefined;
    return next?.sampled;
  }

  /** Cancels those that no step takes, and waits until their activities have ended. */
  async drop(): Promise<void> {
    this.#next?.scope.cancel();
    await this.take().catch(() => undefined);
  }
}
