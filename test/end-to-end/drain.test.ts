/** A compute worker receives SIGTERM while another one runs: it finishes its activity, and the run is not affected. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { choosePorts } from '../../infra/stack/ports.ts';
import type { EndedExperiment } from './whole-stack.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { healthOf, policiesOf, WholeStack } from './whole-stack.ts';

const recipe = tinyRecipe({ sftStepCount: 10, grpoStepCount: 12 });
const runId = 'drained/mt-rl/s0';

let undisturbed: EndedExperiment;
let stack: WholeStack;

beforeAll(async () => {
  undisturbed = await WholeStack.undisturbed(recipe);
  stack = await WholeStack.start();
});

afterAll(() => stack.stop());

it('fails no activity and ends with the same policy when a compute worker gets SIGTERM in the middle of a step', async () => {
  const [port = 0] = await choosePorts([undefined]);
  const second = await stack.startSecondCompute(port);
  try {
    await stack.startExperiment('drained', recipe);
    while (!(await runHasStarted())) await sleep(50);
    const ended = once(second, 'exit');
    await stack.endDuring(runId, 'step', second.pid ?? 0);
    expect((await ended)[0]).toBe(0);
    expect(await healthOf(port, 'livez')).toBeUndefined();
  } finally {
    second.kill('SIGKILL');
  }
  const result = await stack.result('drained');
  expect(policiesOf(result)).toEqual(policiesOf(undisturbed));
  expect(await attemptsBeyondTheFirst()).toEqual([]);
});

function runHasStarted(): Promise<boolean> {
  return stack.withClient((client) =>
    client.workflow
      .getHandle(runId)
      .describe()
      .then(
        () => true,
        () => false,
      ),
  );
}

async function attemptsBeyondTheFirst(): Promise<number[]> {
  const { events } = await stack.withClient((client) => client.workflow.getHandle(runId).fetchHistory());
  const attempts = (events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 1);
  return attempts.filter((attempt) => attempt > 1);
}
