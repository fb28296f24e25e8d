/**
 * Payloads, signals and events of every execution stay within Temporal's limits for any amount of work.
 * The full size: MTRL_LONG_RUN_STEPS=12000 npx vitest run test/workflows/scale.test.ts
 */
import { afterAll, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunProgress } from '../../contract/progress.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';

const harness = useWorkflows();
const stepCount = Number(process.env['MTRL_LONG_RUN_STEPS'] ?? 130);
const byteLengthMax = 128 * 1024;
const timeoutMs = 900_000 + stepCount * 300;
const figures: object[] = [];
afterAll(() => {
  if (process.env['MTRL_LONG_RUN_STEPS'] !== undefined) process.stderr.write(`${JSON.stringify(figures)}\n`);
});

interface Size {
  readonly largestByteLength: number;
  readonly signalCount: number;
  readonly eventCount: number;
}

function byteLengthsIn(node: unknown): number[] {
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return [];
  const { data } = node as { readonly data?: unknown };
  return data instanceof Uint8Array ? [data.byteLength] : Object.values(node).flatMap(byteLengthsIn);
}

async function sizeOf(handle: WorkflowHandle): Promise<Size> {
  const { events } = await handle.fetchHistory();
  const all = events ?? [];
  return {
    largestByteLength: Math.max(...all.flatMap(byteLengthsIn)),
    signalCount: all.filter((event) => event.workflowExecutionSignaledEventAttributes).length,
    eventCount: all.length,
  };
}

/** Run id of the execution that this one continues. */
async function partBefore(part: WorkflowHandle): Promise<string | undefined> {
  const [started] = (await part.fetchHistory()).events ?? [];
  const runId = started?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  return runId === '' ? undefined : runId;
}

it(
  '40 runs of 15 tasks: no payload over 128 KiB, no execution near the limits of signals and events',
  async () => {
    const runs = Array.from({ length: 40 }, (_, seed) => ({
      ...planOf({ arm: 'rl', objective: 'grpo', stepCount: 2, seed }),
      runName: `rl/s${String(seed)}`,
    }));
    const evaluations = Array.from({ length: 15 }, (_, i) => ({
      ...{ task: `a-task-of-some-name-${String(i)}`, split: 'test', ood: i % 3 === 0 },
    }));
    const { client } = harness;
    const handle = await client.workflow.start('experiment', {
      ...{ workflowId: 'many-runs', taskQueue: 'mtrl', args: [{ runs, evaluations }] },
    });
    await handle.result();
    const ids = runs.flatMap(({ runName }) => [`many-runs/${runName}`, `many-runs/${runName}/evaluate`]);
    const sizes = [await sizeOf(handle)];
    for (const id of ids) sizes.push(await sizeOf(client.workflow.getHandle(id)));
    const progress = JSON.stringify(await handle.query('progress')).length;
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata')).length;
    const largest = Math.max(progress, details, ...sizes.map(({ largestByteLength }) => largestByteLength));
    figures.push({ largest, progress, details, experiment: sizes[0] });
    expect(largest).toBeLessThan(byteLengthMax);
    expect(Math.max(...sizes.map(({ signalCount }) => signalCount))).toBeLessThan(2_200);
    expect(Math.max(...sizes.map(({ eventCount }) => eventCount))).toBeLessThan(15_000);
  },
  timeoutMs,
);

it(
  'a long run: its executions stay short, its signals few, and pause and cancel still work at its end',
  async () => {
    const { client } = harness;
    const plan = planOf({ arm: 'rl', objective: 'grpo', stepCount: stepCount + 5, snapshotEveryStepCount: 10_000 });
    const handle = await client.workflow.start('experiment', {
      ...{ workflowId: 'long-run', taskQueue: 'mtrl', args: [{ runs: [plan] }] },
    });
    const first = new Promise<void>((reached) => {
      harness.activities.before = async (call) => {
        if (call === `rollout ${String(stepCount)} 1/1`) {
          await handle.signal('pause');
          reached();
        }
      };
    });
    await first;
    const run = client.workflow.getHandle('long-run/rl/s0');
    const stateOf = async () => (await run.query<RunProgress>('progress')).state;
    await expect.poll(stateOf).toBe('paused');
    expect((await run.query<RunProgress>('progress')).step).toBe(stepCount + 1);
    await handle.cancel();
    await expect.poll(async () => (await handle.describe()).status.name).toBe('CANCELLED');

    const parts: Size[] = [];
    for (let runId: string | undefined = (await run.describe()).runId; runId !== undefined;) {
      const part: WorkflowHandle = client.workflow.getHandle('long-run/rl/s0', runId);
      parts.push(await sizeOf(part));
      runId = await partBefore(part);
    }
    const experiment = await sizeOf(handle);
    figures.push({ partCount: parts.length, parts: parts.slice(0, 3), experiment });
    expect(parts.length).toBeGreaterThanOrEqual(Math.ceil((3 * stepCount) / 333));
    for (const part of [...parts, experiment]) {
      expect(part.eventCount).toBeLessThan(2_500);
      expect(part.largestByteLength).toBeLessThan(byteLengthMax);
      expect(part.signalCount).toBeLessThan(100);
    }
  },
  timeoutMs,
);
