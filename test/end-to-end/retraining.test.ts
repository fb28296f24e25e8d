/**
 * Scheduled retraining on real servers and workers: a schedule fires by itself, trains and promotes, stops if there is
 * no new data, and trains on from the promoted judge when rows are added. The gate holds back a worse candidate, an
 * approval by the `temporal` command promotes one, and a rollback reverts it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecipeInput } from '../../recipes/recipe.ts';
import type { RetrainProgress } from '../../contract/progress.ts';
import type { RetrainResult } from '../../contract/promotion.ts';
import { temporalOn } from '../support/commands.ts';
import { mtrlJsonAt } from './command-line.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

let stack: WholeStack;
let folder: string;

beforeAll(async () => {
  stack = await WholeStack.start();
  folder = await mkdtemp(join(tmpdir(), 'mtrl-retraining-'));
  await mkdir(join(folder, 'images'));
  for (const [name, red] of [
    ['yes', 250],
    ['no', 20],
  ] as const) {
    const background = { r: red, g: 60, b: 90 };
    const image = sharp({ create: { width: 40, height: 40, channels: 3, background } });
    await image.png().toFile(join(folder, 'images', `${name}.png`));
  }
});

afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

function recipeWith(learningRate: number, approvalRequired: boolean): RecipeInput {
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  return {
    ...tiny,
    datasets: [
      { reader: 'judge-world', tasks: ['technical', 'safety'], split: 'train', exampleCount: 24, seed: 1 },
      {
        reader: 'judge-world',
        tasks: ['technical', 'safety', 'pair-safety'],
        split: 'test',
        exampleCount: 20,
        seed: 2,
      },
      { reader: 'jsonl', task: 'safety', split: 'train', path: 'rows.jsonl', imageFolder: 'images', fields: {} },
    ],
    arms: {
      judge: {
        ...{ objective: 'sft', mode: 'direct', stepCount: 24, exampleCountPerStep: 16, snapshotEveryStepCount: 24 },
        optimizer: { learningRate, schedule: 'constant', warmupStepCount: 2 },
      },
    },
    evaluation: { tasks: ['technical', 'safety'], tokenCountMax: 8, bootstrapResampleCount: 100 },
    promotion: {
      ...{ name: 'nightly', arm: 'judge' },
      gate: { minimums: [{ task: 'safety', atLeast: 0.2 }], regressionMax: 0.6, unparsableRateMax: 0.2 },
      approval: { required: approvalRequired, timeoutMs: 60_000 },
    },
  };
}

async function writeRows(count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, id) => {
    const label = id % 2 === 0 ? 'yes' : 'no';
    return JSON.stringify({ id, image: `${label}.png`, label });
  });
  await writeFile(join(folder, 'rows.jsonl'), rows.join('\n'));
}

async function writeRecipe(name: string, recipe: RecipeInput): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, JSON.stringify(recipe));
  return file;
}

const json = (...args: readonly string[]) => mtrlJsonAt(stack.home, ...args);

/** The first completed retraining of the schedule that has the outcome and was not returned before. */
async function ended(outcome: RetrainResult['outcome']): Promise<RetrainResult> {
  return stack.withClient(async (client) => {
    const { info } = await client.schedule.getHandle('nightly').describe();
    for (const { action } of info.recentActions) {
      const result = await client.workflow.result<(input: unknown) => Promise<RetrainResult>>(
        action.workflow.workflowId,
      );
      if (result.outcome === outcome && !seen.has(action.workflow.workflowId)) {
        seen.add(action.workflow.workflowId);
        return result;
      }
    }
    throw new Error(`no retraining has ended ${outcome} yet`);
  });
}

async function isRunning(): Promise<boolean> {
  return stack.withClient(async (client) => {
    const { raw } = await client.schedule.getHandle('nightly').describe();
    const { status } = await client.workflow.getHandle('retrain/nightly').describe();
    return (raw.info?.runningWorkflows?.length ?? 0) > 0 || status.name === 'RUNNING';
  });
}

const seen = new Set<string>();
const soon = { interval: 300 };

it('retrains only on new data, from the promoted judge, subject to gate, approval and rollback', async () => {
  await writeRows(6);
  const good = await writeRecipe('good.json', recipeWith(3e-3, false));
  const created = await json('schedule', 'create', 'nightly', '--recipe', good, '--every', '2s');
  expect(created).toMatchObject({ name: 'nightly', times: 'every 2s', overlap: 'skip', paused: false });

  await expect.poll(() => ended('promoted'), soon).toMatchObject({ promotion: { promoted: { version: 1 } } });
  await expect
    .poll(() => ended('no-new-data'), soon)
    .toMatchObject({ why: 'no new data since nightly@1', startedFromVersion: 1 });

  await writeRows(10);
  await expect
    .poll(() => ended('promoted'), soon)
    .toMatchObject({
      startedFromVersion: 1,
      sources: expect.arrayContaining([
        { path: join(folder, 'rows.jsonl'), state: 'changed', sha256: expect.any(String) as string },
      ]) as unknown,
      promotion: { promoted: { version: 2, name: 'nightly' } },
    });
  await json('schedule', 'pause', 'nightly');
  // The schedule may have fired just before the pause.
  await expect.poll(isRunning, soon).toBe(false);

  await writeRows(12);
  const bad = await writeRecipe('bad.json', recipeWith(0.5, false));
  const held = await json('retrain', bad, '--wait');
  expect(held).toMatchObject({ outcome: 'held-back', why: expect.stringContaining('unparsable') as string });

  const careful = await writeRecipe('careful.json', recipeWith(1e-4, true));
  await json('retrain', careful);
  const standing = () =>
    stack.withClient((client) => client.workflow.getHandle('retrain/nightly').query<RetrainProgress>('progress'));
  await expect.poll(async () => (await standing()).state, soon).toBe('waiting');
  const update = ['workflow', 'update', 'execute', '--workflow-id', 'retrain/nightly', '--name', 'decide'];
  const approved = await temporalOn(stack.settings, [...update, '--input', '{"decision": "approve", "by": "ann"}']);
  expect(approved.code, approved.err).toBe(0);
  const result = await stack.withClient((client) =>
    client.workflow.result<(input: unknown) => Promise<RetrainResult>>('retrain/nightly'),
  );
  expect(result).toMatchObject({ outcome: 'promoted', promotion: { promoted: { version: 3, approvedBy: 'ann' } } });
  const late = await temporalOn(stack.settings, [...update, '--input', '{"decision": "reject", "by": "bob"}']);
  expect(late.code).not.toBe(0);

  const back = await json('rollback', 'nightly');
  expect(back).toMatchObject({ from: { version: 3 }, promoted: { version: 2 } });
  const { events } = (await json('promoted', 'nightly')) as {
    events: { kind: string; version: number; by?: string }[];
  };
  expect(events.map(({ kind, version, by }) => [kind, version, by])).toEqual([
    ['promoted', 1, undefined],
    ['promoted', 2, undefined],
    ['promoted', 3, 'ann'],
    ['rolled-back', 2, expect.any(String)],
  ]);
});

it('fails with the code and the path when a schedule fires with an invalid recipe', async () => {
  const recipe = { ...recipeWith(3e-3, false), seeds: 'every' };
  const create = ['schedule', 'create', '--schedule-id', 'outdated', '--interval', '2s', '--type', 'retrain'];
  const made = await temporalOn(stack.settings, [
    ...create,
    '--task-queue',
    stack.settings.taskQueues.control,
    '--workflow-id',
    'scheduled/outdated',
    '--input',
    JSON.stringify({ recipe }),
  ]);
  expect(made.code, made.err).toBe(0);
  const failure = () =>
    stack.withClient(async (client) => {
      const { info } = await client.schedule.getHandle('outdated').describe();
      const { workflowId = '' } = info.recentActions[0]?.action.workflow ?? {};
      const error: unknown = await client.workflow.result(workflowId).catch((reason: unknown) => reason);
      return (error as { readonly cause?: unknown }).cause;
    });
  await expect.poll(failure, soon).toMatchObject({
    type: 'RECIPE_INVALID',
    message: expect.stringContaining('seeds: found "every"') as string,
  });
});
