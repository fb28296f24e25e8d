/** Progress, results and views for the tests of the printers. */
import type { EvaluatedRun, TaskScores } from '../../contract/activities.ts';
import type { View } from '../../cli/show/bars.ts';
import { Rates } from '../../cli/show/rates.ts';
import type { Standing } from '../../cli/show/standing.ts';
import type { ExperimentProgress, RunProgress } from '../../contract/progress.ts';

const ref = { uri: 's3://mtrl/blobs/x', sha256: 'a'.repeat(64), byteLength: 10 };
const made = { manifest: ref, cached: false, computeMs: 1 };

export function runProgress(change: Partial<RunProgress> = {}): RunProgress {
  return {
    ...{
      runName: 'mt-rl/s0',
      workflowId: 'demo/mt-rl/s0',
      arm: 'mt-rl',
      seed: 0,
      state: 'training',
      phase: 'step 30: update',
    },
    ...{ step: 30, stepCount: 150, cache: { hits: 0, misses: 90 }, computeMs: 5000, startedAtMs: 0, checkpoint: ref },
    ...change,
  };
}

export function progress(runs: readonly RunProgress[], change: Partial<ExperimentProgress> = {}): ExperimentProgress {
  return {
    ...{
      experimentId: 'demo',
      recipeName: 'demo',
      recipeDigest: 'd',
      state: 'training',
      phase: '',
      step: 30,
      stepCount: 150,
    },
    ...{ runs, runCount: runs.length, evaluations: [], cache: { hits: 0, misses: 90 }, startedAtMs: 0 },
    ...change,
  };
}

export function standing(told: ExperimentProgress | undefined, change: Partial<Standing> = {}): Standing {
  return {
    experimentId: 'demo',
    status: 'RUNNING',
    isOpen: true,
    startedAt: new Date(0),
    closedAt: undefined,
    retrying: undefined,
    progress: told,
    ...change,
  };
}

export function view(change: Partial<View> = {}): View {
  return { nowMs: 65_000, columnCount: 100, rates: new Rates(), paint: (_, text) => text, ...change };
}

export function scores(task: string, macroF1: number, change: Partial<TaskScores> = {}): TaskScores {
  const rates = { accuracy: macroF1, majorityMacroF1: 0.333, unparsableRate: 0, truncatedRate: 0 };
  return {
    task,
    split: 'test',
    ood: false,
    exampleCount: 600,
    macroF1,
    ci95: [macroF1 - 0.02, Math.min(1, macroF1 + 0.02)],
    ...rates,
    ...change,
  };
}

export function evaluated(arm: string, all: readonly TaskScores[], seed = 0): EvaluatedRun {
  const plan: EvaluatedRun['plan'] = {
    arm,
    objective: 'grpo',
    mode: 'think',
    seed,
    runName: `${arm}/s${String(seed)}`,
    stepCount: 150,
    stepCountPerActivity: 1,
    rolloutShardCount: 1,
    snapshotEveryStepCount: 25,
    usesReference: false,
  };
  const evaluations = all.map((each) => ({ ...made, judgments: ref, scores: each }));
  return {
    plan,
    checkpoint: ref,
    policy: { snapshot: ref, log: [] },
    wallMs: 1000,
    computeMs: 900,
    stages: [],
    evaluations,
  };
}
