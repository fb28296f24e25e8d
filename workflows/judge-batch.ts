/** Judges a file of rows; started by `mtrl judge`. */
import { admitted } from './admitted.ts';
import { bulk, compute, control } from './activity-options.ts';
import { broughtIn } from './evaluate-policy.ts';
import { endedBadly } from './failure.ts';
import { JobTracker } from './job-tracker.ts';
import type { JudgeBatchInput, JudgeBatchResult } from '../contract/workflows.ts';

export async function judgeBatch({
  rows,
  mode,
  source,
  asked,
  calibration,
}: JudgeBatchInput): Promise<JudgeBatchResult> {
  const tracker = new JobTracker();
  try {
    tracker.state('ingesting', 'reading rows');
    const found = await bulk.readRows.executeWithOptions({ summary: 'rows' }, [rows]);
    const { recipe } = found;
    const { task } = rows;
    const phase = ({ exampleCount, quarantinedCount }: typeof found): string =>
      `${String(exampleCount)} rows, ${String(quarantinedCount)} in quarantine`;
    if (asked !== undefined) {
      // No policy's tokens limit the prompts of an endpoint.
      tracker.state('evaluating', phase(found));
      const { endpoint, usage, ...judged } = await control.judgeRowsEndpoint.executeWithOptions({ summary: task }, [
        { recipe, dataset: found.dataset, arm: asked, task, mode },
      ]);
      tracker.state('done', `${String(judged.rowCount)} rows`);
      return { read: found, checkpoint: endpoint, judged, usage };
    }
    const { policy, checkpoint } = await broughtIn(recipe, source);
    const read = await admitted(found, { recipe, policy, asked: { by: 'rows', task, mode } });
    tracker.state('evaluating', phase(read));
    const { dataset } = read;
    const judged = await compute.judgeRows.executeWithOptions({ summary: task }, [
      { recipe, dataset, policy, task, mode, ...(calibration && { calibrated: { calibration, checkpoint } }) },
    ]);
    tracker.state('done', `${String(judged.rowCount)} rows`);
    return { read, checkpoint, judged };
  } catch (error) {
    throw endedBadly(error);
  }
}
