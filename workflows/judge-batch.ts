/** Judges a file of rows; started by `mtrl judge`. */
import { admitted } from './admitted.ts';
import { bulk, compute } from './activity-options.ts';
import { broughtIn } from './evaluate-policy.ts';
import { endedBadly } from './failure.ts';
import { JobTracker } from './job-tracker.ts';
import type { JudgeBatchInput, JudgeBatchResult } from '../contract/workflows.ts';

export async function judgeBatch({ rows, mode, source }: JudgeBatchInput): Promise<JudgeBatchResult> {
  const tracker = new JobTracker();
  try {
    tracker.state('ingesting', 'reading rows');
    const found = await bulk.readRows.executeWithOptions({ summary: 'rows' }, [rows]);
    const { recipe } = found;
    const { policy, checkpoint } = await broughtIn(recipe, source);
    const { task } = rows;
    const read = await admitted(found, { recipe, policy, asked: { by: 'rows', task, mode } });
    tracker.state('evaluating', `${String(read.exampleCount)} rows, ${String(read.quarantinedCount)} in quarantine`);
    const { dataset } = read;
    const judged = await compute.judgeRows.executeWithOptions({ summary: task }, [
      { recipe, dataset, policy, task, mode },
    ]);
    tracker.state('done', `${String(judged.rowCount)} rows`);
    return { read, checkpoint, judged };
  } catch (error) {
    throw endedBadly(error);
  }
}
