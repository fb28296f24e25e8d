/** A run whose payloads are encrypted: nothing of it can be read in Temporal's histories without the key. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addKey } from '../../infra/payloads/key-ring.ts';
import { mtrlOn } from '../support/commands.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-encrypted-'));
const keys = { MTRL_PAYLOAD_KEY_FILE: join(folder, 'keys.json') };
addKey(keys.MTRL_PAYLOAD_KEY_FILE, Date.now());

let stack: WholeStack;

beforeAll(async () => {
  stack = await WholeStack.start(keys);
});

afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('trains, and leaves no payload that can be read without the key', async () => {
  await stack.startExperiment('hidden', tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }));
  const { runs } = await stack.result('hidden');
  expect(runs).toHaveLength(3);

  for (const workflowId of ['hidden', ...runs.map(({ plan }) => `hidden/${plan.runName}`)]) {
    const history = await stack.withClient((client) => client.workflow.getHandle(workflowId).fetchHistory());
    const bytes = Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    expect(bytes.includes('binary/encrypted')).toBe(true);
    // Words of the recipe, of refs to artifacts and of results.
    const words = ['judge-world', 'is the picture sharp', 's3://', 'sha256', 'computeMs'];
    expect(
      words.filter((word) => bytes.includes(word)),
      workflowId,
    ).toEqual([]);
  }
});

it('shows the run to those who have the key, and names it to others', async () => {
  const shown = await mtrlOn(stack.home, ['status', 'hidden', '--json'], keys);
  expect(shown.code, shown.err).toBe(0);
  expect(shown.out).toContain('mt-rl');
  const refused = await mtrlOn(stack.home, ['status', 'hidden']);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('PAYLOAD_KEY_MISSING');
  // Garbage collection reads histories for what they still need: it must not take them for empty.
  const collected = await mtrlOn(stack.home, ['gc', '--dry-run']);
  expect(collected.err).toContain('PAYLOAD_KEY_MISSING');
});
