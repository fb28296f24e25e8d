/** Keeps what a job (ingestion, evaluation or judging alone) shows of itself: the answer to its query, details, search attributes. */
import { defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { WorkState } from './progress.ts';
import { upsertAttributes } from './search-attributes.ts';

export interface JobProgress {
  readonly state: WorkState;
  /** What is being done right now, as a short phrase. */
  readonly phase: string;
}

const jobProgressQuery = defineQuery<JobProgress>('progress');

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
