/** A whole experiment with an arm that asks an endpoint; its worker is killed while requests are in flight. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndpointServer } from '../support/endpoint-server.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const key = 'sk-secret-0123456789';
let stack: WholeStack;
let server: EndpointServer;

beforeAll(async () => {
  server = await EndpointServer.start(() => '<answer> yes </answer>', key);
  stack = await WholeStack.start({ OPENAI_API_KEY: key });
});
afterAll(async () => {
  await stack.stop();
  await server.close();
});

it('compares an endpoint with a policy of its own, and pays for no answer twice when the worker is killed', async () => {
  const { arms: _, ...tiny } = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const [requestCountMax, answeredCount] = [2, 6];
  await stack.startExperiment('asked', {
    ...tiny,
    arms: {
      base: { objective: 'none', mode: 'direct' },
      theirs: {
        ...{ objective: 'none', mode: 'direct' },
        policy: {
          endpoint: server.address,
          model: 'big',
          requestCountMax,
          cost: { promptPrice: 1, completionPrice: 1 },
        },
      },
    },
  });
  server.reply = () => (server.paid.length < answeredCount ? '<answer> yes </answer>' : { trouble: 'hang' });
  // A request is sent when the answer before it has been stored.
  while (server.requests.length < answeredCount + requestCountMax) await sleep(20);
  stack.kill('control');
  server.reply = () => '<answer> yes </answer>';
  await stack.up();

  const { runs } = await stack.result('asked');
  expect(server.problems).toEqual([]);
  const [, theirs] = runs;
  expect(runs.map(({ plan, evaluations }) => [plan.runName, evaluations.length])).toEqual([
    ['base/s0', 3],
    ['theirs/s0', 3],
  ]);
  // Two tasks of 6 pictures, and 6 pairs in both orders.
  const usage = theirs?.evaluations.map(({ scores }) => scores.usage?.answerCount);
  expect(usage).toEqual([6, 6, 12]);
  expect(server.paid).toHaveLength(24);
  expect(new Set(server.paid).size).toBe(24);
  // Those in flight at the kill, and no others, were asked again.
  expect(server.requests).toHaveLength(24 + requestCountMax);
});
