/** Two checkouts on one machine: one takes the port of a server of the other that was killed while a run was under way. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { livingDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import type { ExperimentResult } from '../../workflows/types.ts';
import { mtrlOn } from '../support/commands.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { type Part, policiesOf, WholeStack } from './whole-stack.ts';

const recipe = tinyRecipe({ sftStepCount: 10, grpoStepCount: 12 });

let undisturbed: ExperimentResult;
let mine: WholeStack;
let other: WholeStack;

beforeAll(async () => {
  undisturbed = await WholeStack.undisturbed(recipe);
  mine = await WholeStack.start();
  other = await WholeStack.start();
  await down({ home: other.home, log: () => undefined });
}, 240_000);

afterAll(async () => {
  await mine.stop();
  await other.stop();
}, 60_000);

/** Kills a server of ours; the other stack, which is down, remembers its port and is brought up. */
async function otherTakesPortOf(part: 'temporal' | 'minio'): Promise<void> {
  const record = livingDaemon(mine.home, part);
  mine.kill(part);
  await expect.poll(() => record && isAlive(record), { timeout: 20_000 }).toBe(false);
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

it('a run whose store was killed and its port taken waits, and ends on the same digest after `up`', async () => {
  await mine.startExperiment('store-gone', recipe);
  await mine.stepReached('store-gone/mt-rl/s0', 2);
  await otherTakesPortOf('minio');
  await expect.poll(() => waitingAt('compute'), { timeout: 60_000 }).toContain("not this stack's store");
  const status = await mtrlOn(mine.home, ['status', 'store-gone', '--json']);
  expect(JSON.parse(status.out)).toMatchObject({ status: 'running' });
  expect(status.err).toContain(
    "the compute worker takes no work: SERVER_FOREIGN: the server that answers is not this stack's store",
  );

  await mine.up();
  expect(policiesOf(await mine.result('store-gone'))).toEqual(policiesOf(undisturbed));
}, 240_000);
