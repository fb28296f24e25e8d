/**
 * `npm run bench -- workers`: the rollouts of a step on one compute worker and on two, and a step whose rollouts are
 * sampled before or while the step before it trains. On a stack of its own, whose compute workers have one engine of one
 * thread each; kinds of runs take turns.
 */
import { join } from 'node:path';
import { projectRoot } from '../core/project.ts';
import { down } from '../infra/stack/down.ts';
import type { Env } from '../infra/stack/env.ts';
import { childEnv } from '../infra/stack/settings.ts';
import { ensureWorker } from '../infra/stack/workers.ts';
import { type ControlStack, withControlStack } from './control-stack.ts';
import type { BenchOptions } from './main.ts';
import { activitiesOf, type DoneActivity } from './orchestration.ts';
import { smallRun } from './small-run.ts';
import { median, rounded } from './statistics.ts';

const standardRoundCount = 3;
const stepCount = 6;
/** The first steps warm up processes and caches. */
const skippedStepCount = 2;
const shardCount = 2;
/** Of a step. Many and long completions where it is split, because a second worker has to fetch the policy first. */
const shapes = {
  sharded: { promptCountPerStep: 128, groupSize: 64, tokenCountMax: 48 },
  pooled: { promptCountPerStep: 16, groupSize: 32, tokenCountMax: 20 },
} as const;
/** Hardly ever sample the stop token: all completions are equally long. */
const freshWeights = JSON.stringify({ config: join(projectRoot, 'recipes', 'demo-config'), initSeed: 0 });

function changesOf({ promptCountPerStep, groupSize, tokenCountMax }: (typeof shapes)[keyof typeof shapes]): string[] {
  return [
    `arms.mt-rl.promptCountPerStep=${String(promptCountPerStep)}`,
    `arms.mt-rl.groupSize=${String(groupSize)}`,
    `arms.mt-rl.tokenCountMax=${String(tokenCountMax)}`,
    // A worker of another pool fetches the policy, and repeats no update.
    'arms.mt-rl.snapshotEveryStepCount=1',
  ];
}
const sharded = [
  ...changesOf(shapes.sharded),
  `policy=${freshWeights}`,
  `arms.mt-rl.rolloutShardCount=${String(shardCount)}`,
];
const pooled = [...changesOf(shapes.pooled), 'pools.rollouts=sampling'];
const stale = ['arms.mt-rl.stalenessStepCountMax=1', 'arms.mt-rl.correction=token-truncated'];

interface Bench extends ControlStack {
  readonly log: (line: string) => void;
}

export async function bench(
  log: (line: string) => void,
  { roundCount = standardRoundCount }: Pick<BenchOptions, 'roundCount'>,
) {
  return withControlStack('workers', log, async (stack) => {
    const on = { ...stack, log };
    await startCompute(stack.home, on, {});
    return measured(on, roundCount);
  });
}

async function measured(on: Bench, roundCount: number) {
  const figures = { alone: [] as number[], together: [] as number[], inTurn: [] as number[], ahead: [] as number[] };
  for (let round = 0; round < roundCount; round++) {
    figures.alone.push(rolloutsMs(await run(on, sharded)));
    await withSecond(on, {}, async () => figures.together.push(rolloutsMs(await run(on, sharded))));
    await withSecond(on, { MTRL_POOL: 'sampling' }, async () => {
      figures.inTurn.push(stepMs(await run(on, pooled)));
      figures.ahead.push(stepMs(await run(on, [...pooled, ...stale])));
    });
    const shown = Object.entries(figures).map(([name, values]) => `${name} ${(values.at(-1) ?? NaN).toFixed(0)} ms`);
    on.log(`round ${String(round + 1)} of ${String(roundCount)}: ${shown.join(', ')}`);
  }
  const { alone, together, inTurn, ahead } = figures;
  return {
    ...{ shapes, shardCount, stepCount, roundCount },
    rolloutsOfAStep: { oneWorkerMs: median(alone), twoWorkersMs: median(together), ratio: ratioOf(alone, together) },
    stepWithAPoolForRollouts: { inTurnMs: median(inTurn), aheadMs: median(ahead), ratio: ratioOf(inTurn, ahead) },
  };
}

let seed = Date.now() % 2 ** 31;

/** A run with a seed of its own, so that it finds nothing in the store. */
function run({ settings }: Bench, changes: readonly string[]): Promise<readonly DoneActivity[]> {
  const spec = { name: 'bench-workers', seed: seed++, stepCount, changes };
  return smallRun(settings, spec, ({ client, runId }) => activitiesOf(client, runId));
}

/** Median over the steps of the time from the first shard's start to the last one's end. */
function rolloutsMs(activities: readonly DoneActivity[]): number {
  const shards = activities.filter(({ type }) => type === 'rollout');
  const steps = shards.flatMap((_, i) => (i % shardCount === 0 ? [shards.slice(i, i + shardCount)] : []));
  const wallMs = steps.map(
    (own) => Math.max(...own.map((one) => one.endedAtMs)) - Math.min(...own.map((one) => one.scheduledAtMs)),
  );
  return rounded(median(wallMs.slice(skippedStepCount)));
}

/** Median of the time from one update's end to the next one's. */
function stepMs(activities: readonly DoneActivity[]): number {
  const ends = activities.flatMap(({ type, endedAtMs }) => (type === 'optimize' ? [endedAtMs] : []));
  return rounded(
    median(
      ends
        .slice(1)
        .map((end, i) => end - (ends[i] ?? end))
        .slice(skippedStepCount),
    ),
  );
}

/** Median of the rounds' ratios. */
function ratioOf(slower: readonly number[], faster: readonly number[]): number {
  return rounded(median(slower.map((ms, i) => ms / (faster[i] ?? NaN))));
}

async function withSecond(on: Bench, extra: Env, body: () => Promise<unknown>): Promise<void> {
  const home = join(on.home, 'second');
  await startCompute(home, on, extra);
  try {
    await body();
  } finally {
    await down({ home, graceMs: 5_000, log: () => undefined });
  }
}

function startCompute(home: string, { settings, log }: Bench, extra: Env): Promise<void> {
  const { temporal, s3, taskQueues } = settings;
  return ensureWorker(
    home,
    'compute',
    settings,
    {
      ...childEnv({ HOME: process.env['HOME'], PATH: process.env['PATH'] }),
      TEMPORAL_ADDRESS: temporal.address,
      MTRL_TASK_QUEUE: taskQueues.control,
      MTRL_S3_ENDPOINT: s3.endpoint,
      MTRL_S3_BUCKET: s3.bucket,
      AWS_ACCESS_KEY_ID: s3.accessKey,
      AWS_SECRET_ACCESS_KEY: s3.secretKey,
      MTRL_ENGINE_COUNT: '1',
      MTRL_ENGINE_THREAD_COUNT: '1',
      ...extra,
    },
    log,
  );
}
