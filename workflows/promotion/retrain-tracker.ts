/** Visible state of a retraining: the result of its query, its current details and its search attributes. */
import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { gateTable, headline, table, workflowLink } from '../training/details.ts';
import type { RetrainProgress, WorkState } from '../../contract/progress.ts';
import { retrainProgressQuery } from '../progress.ts';
import { upsertAttributes } from '../search-attributes.ts';

export class RetrainTracker {
  #progress: RetrainProgress = { state: 'preparing', phase: 'reading the recipe', sources: [], checks: [] };

  constructor() {
    setHandler(retrainProgressQuery, () => this.#progress);
    upsertAttributes({ state: 'preparing' });
    this.#show();
  }

  state(state: WorkState, phase: string): void {
    if (state !== this.#progress.state) upsertAttributes({ state });
    this.knows({ state, phase });
  }

  knows(facts: Partial<RetrainProgress>): void {
    this.#progress = { ...this.#progress, ...facts };
    this.#show();
  }

  #show(): void {
    setCurrentDetails(details(this.#progress));
  }
}

function details({ state, phase, name, sources, experimentId, checks, followed }: RetrainProgress): string {
  const lines = [headline(name ?? 'retraining', { state, phase })];
  if (followed !== undefined) lines.push('', `running in ${workflowLink(followed, followed)}`);
  if (experimentId !== undefined) lines.push('', `experiment ${workflowLink(experimentId, experimentId)}`);
  const rows = sources.map(({ path, state }) => [path, state]);
  if (rows.length > 0) lines.push('', ...table(['source', ''], rows));
  lines.push(...gateTable(checks));
  return lines.join('\n');
}
