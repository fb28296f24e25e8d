/** The spans of workflows: their names, their parents, and the propagation of a caller's trace. */
import { Client, defaultPayloadConverter } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkflowSpan } from '../../workflows/spans.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

let spans: WorkflowSpan[] = [];
const harness = useWorkflows((span) => spans.push(span));
beforeEach(() => {
  spans = [];
});
const plan = planOf({ arm: 'rl', objective: 'grpo', stepCount: 2 });

describe('an experiment', () => {
  it('is one trace, in which every activity is below the workflow that started it', async () => {
    const handle = await harness.client.workflow.start('experiment', {
      workflowId: 'traced',
      taskQueue: 'mtrl',
      args: [{ runs: [plan] }],
    });
    await handle.result();
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(lineOf('StartActivity:rollout')).toEqual([
      'StartActivity:rollout',
      'RunWorkflow:run',
      'StartChildWorkflow:run',
      'RunWorkflow:experiment',
    ]);
    expect(spans.filter(({ name }) => name === 'StartActivity:rollout')).toHaveLength(2);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    for (const { startedAtMs, endedAtMs } of spans) expect(endedAtMs).toBeGreaterThanOrEqual(startedAtMs);
  });
});

describe("a caller's trace", () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parentSpanId = 'b7ad6b7169203331';

  it('continues in the workflow', async () => {
    await runWithin(`00-${traceId}-${parentSpanId}-01`);
    expect(spans.find(({ name }) => name === 'RunWorkflow:run')).toMatchObject({ traceId, parentSpanId });
  });

  it('that is not sampled has no spans here', async () => {
    await runWithin(`00-${traceId}-${parentSpanId}-00`);
    expect(spans).toEqual([]);
  });
});

it('a failed workflow has the reason in its span, as has the activity', async () => {
  harness.activities.before = () => {
    throw ApplicationFailure.nonRetryable('there is no such arm', 'NOT_FOUND');
  };
  await expect((await startRun(harness.client, plan)).result()).rejects.toThrow();
  const failures = spans.map(({ name, failure }) => [name, failure !== undefined]);
  expect(failures).toEqual([
    ['StartActivity:findRun', false],
    ['StartActivity:mix', true],
    ['RunWorkflow:run', true],
  ]);
});

/** Names of a span and its ancestors. */
function lineOf(name: string): string[] {
  const names: string[] = [];
  let span = spans.find((each) => each.name === name);
  while (span) {
    names.push(span.name);
    const above = span.parentSpanId;
    span = spans.find(({ spanId }) => spanId === above);
  }
  return names;
}

async function runWithin(traceparent: string): Promise<void> {
  const headers = { '_tracer-data': defaultPayloadConverter.toPayload({ traceparent }) };
  const { connection, options } = harness.client;
  const client = new Client({
    connection,
    namespace: options.namespace,
    interceptors: { workflow: [{ startWithDetails: (input, next) => next({ ...input, headers }) }] },
  });
  await (await startRun(client, plan)).result();
}
