/** Runs every command of docs/operations.md in order, with the real `temporal` and `mtrl` programs on a real server. */
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findOrMakeBinary } from '../../infra/binaries/binaries.ts';
import { projectRoot } from '../../core/project.ts';
import type { RetrainProgress, RunProgress } from '../../contract/progress.ts';
import type { RetrainResult } from '../../contract/promotion.ts';
import { type Ended, ran } from '../support/commands.ts';
import { compiled } from '../support/compiled.ts';
import { useWorkflows } from '../workflows/harness.ts';
import { planOf } from '../workflows/made-up-activities.ts';
import { tinyRecipe } from './tiny-recipe.ts';

const harness = useWorkflows();
let folder: string;

/** Lines of the fenced `sh` blocks. */
async function commands(): Promise<string[]> {
  const text = await readFile(join(projectRoot, 'docs', 'operations.md'), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
}

const placeholders = { RUN_ID: 'judge-7/mt-rl/s0', EXPERIMENT_ID: 'judge-7', NAME: 'nightly', SCHEDULE: 'every-night' };

function filledIn(command: string): string {
  return Object.entries(placeholders).reduce((text, [word, value]) => text.replaceAll(word, value), command);
}

/** Runs a command in a user's shell: the real programs against the test's server. */
function shell(command: string): Promise<Ended> {
  const { address, namespace } = harness.temporal;
  const env = {
    ...{ PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: process.env['HOME'], MTRL_HOME: harness.home },
    ...{ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
    // The task queue that the harness's workers poll.
    MTRL_TASK_QUEUE: 'mtrl',
  };
  return ran('bash', ['-c', `cd "${folder}" && ${command}`], env);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-operations-'));
  const { path } = await findOrMakeBinary('temporal', () => undefined);
  await symlink(path, join(folder, 'temporal'));
  const script = `#!/bin/sh\nexec "${process.execPath}" "${compiled('cli/main.ts')}" "$@"\n`;
  await writeFile(join(folder, 'mtrl'), script, { mode: 0o755 });
  const recipe = {
    ...tinyRecipe({ sftStepCount: 1, grpoStepCount: 900 }),
    promotion: { name: 'nightly', arm: 'mt-rl' },
  };
  await writeFile(join(folder, 'recipe.yaml'), JSON.stringify(recipe));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Preconditions of a command, which the reader of the page would establish. */
const before: readonly (readonly [RegExp, () => Promise<void>])[] = [
  [/--name approval/, candidateWaits],
  [/workflow (cancel|terminate)/, startAgain],
  [/workflow reset/, allEnded],
];

/** The expected output or effect of a command. */
const after: readonly (readonly [RegExp, (out: string) => unknown, unknown])[] = [
  [/--workflow-id RUN_ID --name progress/, (out) => out, expect.stringMatching(/runName\W+mt-rl/)],
  [/^temporal workflow metadata/, (out) => out, expect.stringContaining('cache')],
  [/--name pause/, () => stateOfRun(), 'paused'],
  [/--name resume/, () => stateOfRun(), 'training'],
  [/--name changeBudget/, (out) => out, expect.stringMatching(/stepCount\W+400/)],
  [/"step": 300/, (out) => out, expect.stringMatching(/stopBeforeStep\W+301/)],
  [/^temporal workflow result/, (out) => out, expect.stringContaining('COMPLETED')],
  [/--name approval/, (out) => out, expect.stringMatching(/state\W+waiting/)],
  [/--name decide/, outcomeOfRetraining, 'promoted'],
  [/workflow cancel/, () => statusOf(placeholders.EXPERIMENT_ID), 'CANCELLED'],
  [/workflow terminate/, () => statusOf(placeholders.EXPERIMENT_ID), 'TERMINATED'],
  [/workflow reset/, () => statusOf(placeholders.EXPERIMENT_ID), 'RUNNING'],
  [/^mtrl schedule create/, (out) => out, expect.stringContaining('0 3 * * * (Europe/Rome), up to 5m later')],
  [/^mtrl schedule update/, (out) => out, expect.stringMatching(/every 12h.*, up to 5m later/)],
  [
    /^mtrl schedule pause/,
    () => shell('mtrl schedule describe every-night').then(({ out }) => out),
    expect.stringMatching(/paused/),
  ],
  [
    /^temporal schedule delete/,
    () => shell('mtrl schedule describe every-night').then(({ err }) => err),
    expect.stringContaining('NOT_FOUND'),
  ],
];

async function outcomeOfRetraining(): Promise<string> {
  const { outcome } =
    await harness.client.workflow.result<(input: unknown) => Promise<RetrainResult>>('retrain/nightly');
  return outcome;
}

async function stateOfRun(): Promise<string> {
  const { state } = await harness.client.workflow.getHandle(placeholders.RUN_ID).query<RunProgress>('progress');
  return state;
}

async function statusOf(workflowId: string): Promise<string> {
  return (await harness.client.workflow.getHandle(workflowId).describe()).status.name;
}

/** Stops the training after a few steps instead of the recipe's step count and waits for the approval request. */
async function candidateWaits(): Promise<void> {
  const { workflow } = harness.client;
  const progress = () => workflow.getHandle('retrain/nightly').query<RetrainProgress>('progress');
  const { experimentId = '' } = await progress();
  await workflow.getHandle(`${experimentId}/mt-rl/s0`).executeUpdate('stopAfterStep');
  await expect.poll(async () => (await progress()).state).toBe('waiting');
}

async function allEnded(): Promise<void> {
  for (const id of [placeholders.EXPERIMENT_ID, placeholders.RUN_ID])
    await harness.client.workflow.result(id).catch(() => undefined);
}

async function startAgain(): Promise<void> {
  await allEnded();
  const again = await shell(
    filledIn(
      'temporal workflow start --type experiment --task-queue "$(mtrl status --task-queue)" --workflow-id EXPERIMENT_ID --input-file recipe.json',
    ),
  );
  expect(again.code, again.err).toBe(0);
}

it('runs every command of docs/operations.md with the documented effect', async () => {
  const { activities } = harness;
  activities.planned = {
    runs: [planOf({ arm: 'mt-rl', objective: 'grpo', stepCount: 900, snapshotEveryStepCount: 900 })],
    promotion: { name: 'nightly', startFrom: 'promoted' },
  };
  activities.registry.approval = { required: true, timeoutMs: 600_000 };
  activities.before = async (call) => {
    if (call.startsWith('rollout')) await sleep(200);
  };
  const lines = await commands();
  expect(lines.length).toBeGreaterThan(30);
  for (const line of lines) {
    for (const [pattern, prepare] of before) if (pattern.test(line)) await prepare();
    const { code, out, err } = await shell(filledIn(line));
    expect(code, `${line}\n${out}\n${err}`).toBe(0);
    for (const [pattern, found, wanted] of after) {
      if (!pattern.test(line)) continue;
      const seen = expect.poll(() => found(out), { message: line });
      await seen.toEqual(wanted);
    }
  }
});
