/**
 * `mtrl schedule` as a user calls it, on a real server without a worker: the workflows that it starts do not progress.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mtrlWith } from '../support/commands.ts';
import { useStack } from '../support/stack.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

const stack = useStack();
let folder: string;
let recipe: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-schedules-'));
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  recipe = join(folder, 'recipe.json');
  await writeFile(recipe, JSON.stringify({ ...tiny, promotion: { name: 'nightly', arm: 'mt-rl' } }));
  await writeFile(join(folder, 'without.json'), JSON.stringify(tiny));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const schedule = (...args: readonly string[]) => mtrlWith(stack.settings, ['schedule', ...args]);

async function scheduleJson(...args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await schedule(...args, '--json');
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

it('create, list, describe, pause, unpause, backfill and delete agree on a schedule', async () => {
  const times = ['--cron', '0 3 * * *', '--timezone', 'Europe/Rome', '--jitter', '5m'];
  const policies = ['--overlap', 'buffer-one', '--catchup-window', '2h', '--paused'];
  const created = await scheduleJson('create', 'every-night', '--recipe', recipe, ...times, ...policies);
  expect(created).toMatchObject({
    ...{ name: 'every-night', recipe: 'tiny', times: '0 3 * * * (Europe/Rome)', jitterMs: 300_000, paused: true },
    ...{ overlap: 'buffer-one', catchupWindowMs: 7_200_000, recent: [] },
  });
  expect(await scheduleJson('describe', 'every-night')).toEqual(created);
  await scheduleJson('unpause', 'every-night');
  expect(await scheduleJson('describe', 'every-night')).toMatchObject({ paused: false });
  await scheduleJson('backfill', 'every-night', '--from', '2026-08-01T00:00:00Z', '--to', '2026-08-03T00:00:00Z');
  const recent = async () => ((await scheduleJson('describe', 'every-night')) as { recent: unknown[] }).recent;
  await expect.poll(recent).toMatchObject([{ workflowId: 'scheduled/every-night-2026-08-01T01:00:00Z' }]);
  await expect
    .poll(() => scheduleJson('list'))
    .toMatchObject([{ name: 'every-night', times: '0 3 * * * (Europe/Rome)', paused: false }]);
  await scheduleJson('delete', 'every-night');
  expect(await schedule('describe', 'every-night')).toMatchObject({ code: 1, out: '' });
});

it('describes how its last runs ended', async () => {
  await scheduleJson('create', 'ending', '--recipe', recipe, '--every', '30d');
  const connection = await Connection.connect({ address: stack.settings.temporal.address });
  try {
    const client = new Client({ connection });
    const handle = client.schedule.getHandle('ending');
    await handle.trigger();
    const started = async () => (await handle.describe()).info.recentActions.map(({ action }) => action.workflow);
    await expect.poll(started).toHaveLength(1);
    const workflowId = (await started())[0]?.workflowId ?? '';
    expect((await schedule('describe', 'ending')).out).toContain(`${workflowId}  running`);
    await client.workflow.getHandle(workflowId).terminate('for the test');
    expect((await schedule('describe', 'ending')).out).toContain(`${workflowId}  terminated`);
    expect(await scheduleJson('describe', 'ending')).toMatchObject({
      recent: [{ workflowId, status: 'terminated', closedAt: expect.any(String) as string }],
    });
  } finally {
    await connection.close();
  }
});

interface RetrainAction {
  readonly args: readonly { readonly recipe: { readonly seeds: readonly number[] } }[];
  readonly staticSummary: string;
}

it('updates the recipe, and only the given times and policies', async () => {
  const policies = ['--jitter', '5m', '--overlap', 'buffer-one', '--paused'];
  const times = ['--cron', '0 3 * * *', '--timezone', 'Europe/Rome'];
  const created = await scheduleJson('create', 'changing', '--recipe', recipe, ...times, ...policies);
  const { settings } = stack;
  const connection = await Connection.connect({ address: settings.temporal.address });
  try {
    const handle = new Client({ connection }).schedule.getHandle('changing');
    const before = (await handle.describe()).action as unknown as RetrainAction;
    const update = ['update', 'changing', '--recipe', recipe, '--set', 'seeds=[7, 8]'];
    expect(await scheduleJson(...update)).toEqual(created);
    const { action } = await handle.describe();
    expect(action).toMatchObject({ args: [{ recipe: { seeds: [7, 8] } }], staticSummary: before.staticSummary });
    expect(await scheduleJson(...update, '--every', '12h', '--overlap', 'skip')).toMatchObject({
      ...{ times: 'every 12h (Europe/Rome)', jitterMs: 300_000, overlap: 'skip', paused: true },
    });
    const wrong = [
      ['--cron', '0 25 * * *'],
      ['--every', '1h', '--cron', '0 3 * * *'],
      ['--set', 'arms.mt-rl.groupSize=1'],
    ];
    for (const options of wrong) expect(await schedule(...update, ...options)).toMatchObject({ code: 2, out: '' });
    expect(await scheduleJson('describe', 'changing')).toMatchObject({ times: 'every 12h (Europe/Rome)' });
    await handle.update((before) => ({ ...before, action: { ...before.action, workflowType: 'another' } }));
    expect(await schedule(...update)).toMatchObject({ code: 2, err: expect.stringContaining('another') as string });
  } finally {
    await connection.close();
  }
});

describe('invalid requests', () => {
  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ['a cron line that is none', ['--cron', '0 25 * * *'], 'USAGE'],
    ['a time zone that is none', ['--cron', '0 3 * * *', '--timezone', 'Mars/Olympus'], 'USAGE'],
    ['no times', [], '--every'],
    ['both kinds of times', ['--cron', '0 3 * * *', '--every', '1h'], 'exactly one'],
    ['an interval without a unit', ['--every', '24'], '24h'],
    ['an overlap that is none', ['--every', '1h', '--overlap', 'maybe'], 'buffer-one'],
  ];
  it.concurrent.each(wrong)('refuses %s and creates nothing', async (_, options, said) => {
    const { code, out, err } = await schedule('create', 'wrong', '--recipe', recipe, ...options);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
  });

  it.concurrent(
    'refuses a recipe without a promotion, and an invalid recipe, with the path of the offending field',
    async () => {
      const every = ['--every', '1h'];
      const without = await schedule('create', 'wrong', '--recipe', join(folder, 'without.json'), ...every);
      expect(without).toMatchObject({ code: 2, out: '' });
      expect(without.err).toMatch(/RECIPE_INVALID[^]*promotion: found nothing/);
      const broken = await schedule('create', 'wrong', '--recipe', recipe, '--set', 'arms.mt-rl.groupSize=1', ...every);
      expect(broken.err).toMatch(/RECIPE_INVALID[^]*arms\.mt-rl\.groupSize/);
    },
  );

  it.concurrent('refuses a name that is taken and leaves the schedule unchanged', async () => {
    const create = (times: string) => schedule('create', 'taken', '--recipe', recipe, '--every', times);
    expect((await create('1d')).code).toBe(0);
    const second = await create('2d');
    expect([second.code, second.err]).toEqual([2, expect.stringContaining('exists')]);
    expect(await scheduleJson('describe', 'taken')).toMatchObject({ times: 'every 1d' });
  });

  const verbs = ['describe', 'pause', 'unpause', 'trigger', 'delete', 'backfill', 'update'] as const;
  it.concurrent.each(verbs)('reports that the schedule does not exist: %s', async (verb) => {
    const needed = { backfill: ['--from', '2026-08-01', '--to', '2026-08-02'], update: ['--recipe', recipe] };
    const options = verb === 'backfill' || verb === 'update' ? needed[verb] : [];
    const { code, err } = await schedule(verb, 'nobody', ...options);
    expect([code, err]).toEqual([1, expect.stringContaining('NOT_FOUND: the schedule does not exist')]);
  });
});
