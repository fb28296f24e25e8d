/**
 * Visible state of a job (ingestion, evaluation, judging, promotion or rollback alone): the result of its query, its
 * current details and its search attributes.
 */
import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { JobProgress, WorkState } from '../contract/progress.ts';
import { jobProgressQuery } from './progress.ts';
import { upsertAttributes } from './search-attributes.ts';

export class JobTracker {
  #progress: JobProgress = { state: 'preparing', phase: 'reading the recipe' };

  constructor() {
    setHandler(jobProgressQuery, () => this.#progress);
    upsertAttributes({ state: 'preparing' });
  }

  /** `more`: lines of markdown under the phase. */
  state(state: WorkState, phase: string, more: readonly string[] = []): void {
    if (state !== this.#progress.state) upsertAttributes({ state });
    this.#progress = { state, phase };
    setCurrentDetails([`**${state}** · ${phase}`, ...more].join('\n'));
  }
}
