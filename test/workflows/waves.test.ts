import { expect, it } from 'vitest';
import type { ExperimentProgress } from '../../contract/progress.ts';
import { waveRunCountMax, wavesOf } from '../../workflows/training/waves.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';

const harness = useWorkflows();

it('puts no run into an earlier wave than the run that it starts from', () => {
  const plans = Array.from({ length: waveRunCountMax + 1 }, (_, i) => {
    const name = `a${String(i)}`;
    const plan = planOf({ arm: name, objective: 'none', stepCount: 0 });
    return i === 0 ? { ...plan, from: `a${String(waveRunCountMax)}/s0` } : plan;
  });
  const [first = [], second = []] = wavesOf(plans);
  expect(first.slice(0, 2).map(({ arm }) => arm)).toEqual([`a${String(waveRunCountMax)}`, 'a0']);
  expect(second.map(({ arm }) => arm)).toEqual([`a${String(waveRunCountMax - 1)}`]);
});

it('continues an experiment with more runs than a wave holds as new between waves, and reports all of them', async () => {
  const runs = Array.from({ length: waveRunCountMax + 2 }, (_, i) =>
    planOf({ arm: `a${String(i)}`, objective: 'none', stepCount: 0 }),
  );
  const evaluations = [{ task: 'known', split: 'test', ood: false }];
  const handle = await harness.client.workflow.start('experiment', {
    ...{ workflowId: 'waves', taskQueue: 'mtrl', args: [{ runs, evaluations }] },
  });
  await handle.result();
  expect((await handle.describe()).runId).not.toBe(handle.firstExecutionRunId);
  expect(harness.activities.calls.filter((call) => call === 'prepare')).toHaveLength(1);
  expect(harness.activities.calls.at(-1)).toBe(`report ${String(runs.length)}`);
  expect((await handle.query<ExperimentProgress>('progress')).evaluations).toHaveLength(runs.length);
});
