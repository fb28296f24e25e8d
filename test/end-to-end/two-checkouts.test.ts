/** Two checkouts on one machine: one takes the port of a server of the other that was killed during a run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { livingDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import { mtrlOn } from '../support/commands.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { type EndedExperiment, type Part, policiesOf, WholeStack } from './whole-stack.ts';

const recipe = tinyRecipe({ sftStepCount: 10, grpoStepCount: 12 });

let undisturbed: EndedExperiment;
let mine: WholeStack;
let other: WholeStack;

beforeAll(async () => {
  undisturbed = await WholeStack.undisturbed(recipe);
  mine = await WholeStack.start();
  other = await WholeStack.start();
  await down({ home: other.home, log: () => undefined });
});

afterAll(async () => {
  await mine.stop();
  await other.stop();
});

/** Kills a server of ours, then brings up the other stack with that server's port in its stack file. */
async function otherTakesPortOf(part: 'temporal' | 'minio'): Promise<void> {
  const record = livingDaemon(mine.home, part);
  mine.kill(part);
  await expect.poll(() => record && isAlive(record)).toBe(false);
  const path = join(other.home, 'stack.json');
  const file = JSON.parse(readFileSync(path, 'utf8')) as Record<'temporal' | 's3', { port: number }>;
  file[part === 'minio' ? 's3' : 'temporal'].port = record?.ports[0] ?? 0;
  writeFileSync(path, JSON.stringify(file));
  await other.up();
}

function waitingAt(worker: Part): string {
  try {
    return readFileSync(join(mine.home, 'run', `${worker}.waiting`), 'utf8');
  } catch {
    return '';
  }
}

/** Process ids of the workers that did any task of a workflow on that stack. */
async function pidsIn(stack: WholeStack, workflowId: string): Promise<number[]> {
  const { events } = await stack.withClient((client) => client.workflow.getHandle(workflowId).fetchHistory());
  const identities = (events ?? []).flatMap(
    (event) =>
      event.activityTaskStartedEventAttributes?.identity ?? event.workflowTaskStartedEventAttributes?.identity ?? [],
  );
  return [...new Set(identities.map((identity) => Number.parseInt(identity)))];
}

function pidsOf(stack: WholeStack): number[] {
  return (['control', 'compute'] as const).flatMap((name) => livingDaemon(stack.home, name)?.pid ?? []);
}

it('waits when the store was killed and its port taken, and ends with the same digest after `up`', async () => {
  await mine.startExperiment('store-gone', recipe);
  await mine.stepReached('store-gone/mt-rl/s0', 2);
  await otherTakesPortOf('minio');
  await expect.poll(() => waitingAt('compute')).toContain("not this stack's store");
  const status = await mtrlOn(mine.home, ['status', 'store-gone', '--json']);
  expect(JSON.parse(status.out)).toMatchObject({ status: 'running' });
  expect(status.err).toContain(
    "the compute worker accepts no work: SERVER_FOREIGN: the server that answers is not this stack's store",
  );

  await mine.up();
  expect(policiesOf(await mine.result('store-gone'))).toEqual(policiesOf(undisturbed));
});

it('continues after `up` when Temporal was killed and its port taken, and neither stack works for the other', async () => {
  await down({ home: other.home, log: () => undefined });
  await mine.startExperiment('temporal-gone', { ...recipe, seeds: [3] });
  await mine.stepReached('temporal-gone/mt-rl/s3', 2);
  const minePids = pidsOf(mine);
  await otherTakesPortOf('temporal');
  await other.startExperiment('of-the-other', recipe);
  const theirs = await other.result('of-the-other');
  expect(policiesOf(theirs)).toEqual(policiesOf(undisturbed));
  for (const worker of ['control', 'compute'] as const)
    await expect.poll(() => waitingAt(worker)).toContain("not this stack's Temporal");
  expect(await mtrlOn(mine.home, ['status'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('SERVER_FOREIGN') as string,
  });
  for (const id of ['of-the-other', 'of-the-other/mt-rl/s0'])
    for (const pid of await pidsIn(other, id)) expect(pidsOf(other)).toContain(pid);

  await mine.up();
  const result = await mine.result('temporal-gone');
  expect(policiesOf(result)).toHaveLength(policiesOf(undisturbed).length);
  const all = [...minePids, ...pidsOf(mine)];
  for (const pid of await pidsIn(mine, 'temporal-gone/mt-rl/s3')) expect(all).toContain(pid);
});
