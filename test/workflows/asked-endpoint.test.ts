/** `mtrl evaluate` and `mtrl judge` of an endpoint: no policy is brought in, and tasks are asked one after the other. */
import { expect, it } from 'vitest';
import type { EvaluatePolicyResult, JudgeBatchResult } from '../../contract/workflows.ts';
import { useWorkflows } from './harness.ts';
import { planOf, refTo } from './made-up-activities.ts';

const harness = useWorkflows();
const execute = <R>(workflowType: string, input: object, id = workflowType) =>
  harness.client.workflow.execute(workflowType, {
    ...{ workflowId: `${id}-asked`, taskQueue: 'mtrl', args: [input], workflowExecutionTimeout: '20 s' },
  }) as Promise<R>;
const recipe = { runs: [planOf({ arm: 'asked', objective: 'none', stepCount: 0, endpoint: refTo('theirs') })] };

it('evaluatePolicy asks each task in turn, told what those before it took, and has the baselines on pixels', async () => {
  const result = await execute<EvaluatePolicyResult>('evaluatePolicy', { recipe, mode: 'direct', asked: 'asked' });
  expect(harness.activities.calls).toEqual([
    ...['prepare', 'ingest', 'ask asked on known after 0 answers', 'ask asked on unseen after 8 answers'],
  ]);
  expect(result).toMatchObject({ checkpoint: refTo('theirs'), mode: 'direct', pixelBaselines: refTo('baselines') });
  expect(result.evaluations.map(({ scores }) => scores.task)).toEqual(['known', 'unseen']);
});

it('evaluatePolicy of a policy has the baselines on pixels too', async () => {
  const result = await execute<EvaluatePolicyResult>('evaluatePolicy', { recipe, mode: 'think' }, 'policy');
  expect(harness.activities.calls.slice(0, 3).sort()).toEqual(['importPolicy', 'ingest', 'prepare']);
  expect(result.pixelBaselines).toEqual(refTo('baselines'));
});

it('evaluatePolicy fits a calibration on all judgments if it is to, and no baselines', async () => {
  const evaluations = ['a', 'b'].map((task) => ({ task, split: 'val', ood: false }));
  const input = { recipe: { ...recipe, evaluations }, mode: 'think', calibrate: true };
  const result = await execute<EvaluatePolicyResult>('evaluatePolicy', input, 'calibrate');
  expect(harness.activities.calls.at(-1)).toBe('calibrate base checkpoint think on a test, b test');
  expect([result.calibration, result.pixelBaselines]).toEqual([refTo('calibration'), undefined]);
});

it('evaluatePolicy of an arm without an endpoint is refused', async () => {
  const failing = execute('evaluatePolicy', { recipe: { runs: [] }, mode: 'direct', asked: 'other' }, 'unknown-arm');
  await expect(failing).rejects.toMatchObject({ cause: { type: 'USAGE' } });
});

it('judgeBatch asks about the rows, and passes on what the answers took', async () => {
  const rows = { recipe, task: 't', file: '/rows.jsonl' };
  const result = await execute<JudgeBatchResult>('judgeBatch', { rows, mode: 'think', asked: 'asked' });
  expect(harness.activities.calls).toEqual(['readRows', 'ask asked about rows of t']);
  expect(result).toMatchObject({ checkpoint: refTo('endpoint'), usage: { answerCount: 8 }, judged: { rowCount: 8 } });
});
