/** `mtrl plan`: what an experiment will take, from its recipe alone. Sums are over all runs. */
import { planRuns } from '../../pipeline/training/plan-runs.ts';
import { trainingOf } from '../../pipeline/training/objectives/table.ts';
import { endpointOf, isRl, isTrained } from '../../recipes/arms.ts';
import type { Arm, Recipe, TrainedArm } from '../../recipes/recipe.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import type { ArmPlan } from '../../contract/activities.ts';
import { answerCount, tasksEvaluated, validationAnswerCount } from './answer-counts.ts';
import { type Device, hoursOn, type Utilization } from './devices.ts';
import { countOf, type ExampleCount } from './example-counts.ts';
import { experimentEvents, runEvents } from './history-events.ts';
import type { PolicyCosts } from './policy-costs.ts';
import { type RunWork, runWork } from './run-work.ts';
import { datasetStoreUse, runStoreUse } from './store-use.ts';

/** Per run: an arm has one for each seed. */
export interface ArmFigures {
  readonly arm: string;
  readonly objective: string;
  readonly runCount: number;
  readonly stepCount: number;
  readonly updateCount: number;
  /** Passes over the training examples of the arm's tasks. */
  readonly epochCount?: number;
  readonly promptTokenCount: number;
  readonly completionTokenCountMax: number;
  readonly answerCount: number;
  readonly flops: { readonly training: number; readonly rollouts: number; readonly evaluation: number };
  readonly secondsHere?: number;
  readonly byteLengths: Readonly<Record<string, number>>;
  readonly byteLengthNeeded: number;
  readonly fits: boolean;
  readonly storageByteLength: number;
  readonly historyEventCount: number;
  readonly storeRequestCount: number;
}

export interface ExperimentPlan {
  readonly recipe: string;
  readonly model?: Pick<PolicyCosts, 'modelType' | 'parameterCount' | 'activeParameterCount'>;
  readonly examples: readonly ExampleCount[];
  readonly arms: readonly ArmFigures[];
  readonly totals: {
    readonly runCount: number;
    readonly stepCount: number;
    readonly promptTokenCount: number;
    readonly completionTokenCountMax: number;
    readonly answerCount: number;
    readonly flops: number;
    readonly storageByteLength: number;
    readonly historyEventCount: number;
    readonly storeRequestCount: number;
    readonly hoursHere?: number;
    readonly hours: readonly { readonly device: string; readonly hours: number; readonly deviceCountMin?: number }[];
  };
  readonly assumptions: readonly string[];
}

export interface PlanSettings {
  readonly counts: readonly ExampleCount[];
  /** Absent if every arm asks an endpoint. */
  readonly costs: PolicyCosts | undefined;
  readonly devices: readonly Device[];
  readonly utilization: Utilization;
  readonly imageEdge: number;
}

/** Runs that train at the same time in one history (workflows/training/waves.ts). */
const waveRunCountMax = 100;

export function makePlan(recipe: Recipe, settings: PlanSettings): ExperimentPlan {
  const { counts, costs, devices, utilization, imageEdge } = settings;
  const plans = planRuns(recipe);
  const waveRunCount = Math.min(waveRunCountMax, plans.length);
  const arms = Object.entries(recipe.arms).map(([name, arm]) => {
    const own = plans.filter((plan) => plan.arm === name);
    return figuresOf(recipe, name, arm, own, waveRunCount, settings);
  });
  const total = (value: (arm: ArmFigures) => number): number =>
    arms.reduce((sum, arm) => sum + arm.runCount * value(arm), 0);
  const training = total(({ flops }) => flops.training);
  const sampling = total(({ flops }) => flops.rollouts + flops.evaluation);
  const needed = Math.max(0, ...arms.map(({ byteLengthNeeded }) => byteLengthNeeded));
  const seconds = arms.every(({ secondsHere }) => secondsHere !== undefined)
    ? total(({ secondsHere = 0 }) => secondsHere)
    : undefined;
  const dataset = datasetStoreUse(recipe, counts, imageEdge);
  return {
    recipe: recipe.name,
    ...(costs && { model: modelOf(costs) }),
    examples: counts,
    arms,
    totals: {
      runCount: plans.length,
      stepCount: total(({ stepCount }) => stepCount),
      promptTokenCount: total(({ promptTokenCount }) => promptTokenCount),
      completionTokenCountMax: total(({ completionTokenCountMax }) => completionTokenCountMax),
      answerCount: total((arm) => arm.answerCount),
      flops: training + sampling,
      storageByteLength: total(({ storageByteLength }) => storageByteLength) + dataset.byteLength,
      historyEventCount: total(({ historyEventCount }) => historyEventCount) + experimentEvents(),
      storeRequestCount: total(({ storeRequestCount }) => storeRequestCount) + dataset.requestCount,
      ...(seconds !== undefined && costs && { hoursHere: seconds / 3600 }),
      hours: devices.map((device) => ({
        device: device.name,
        hours: hoursOn(device, { training, sampling }, utilization),
        ...(device.memoryByteLength !== undefined && {
          deviceCountMin: Math.max(1, Math.ceil(needed / device.memoryByteLength)),
        }),
      })),
    },
    assumptions: assumptionsOf(recipe, settings),
  };
}

function modelOf({
  modelType,
  parameterCount,
  activeParameterCount,
}: PolicyCosts): NonNullable<ExperimentPlan['model']> {
  return { modelType, parameterCount, ...(activeParameterCount !== undefined && { activeParameterCount }) };
}

function figuresOf(
  recipe: Recipe,
  name: string,
  arm: Arm,
  plans: readonly ArmPlan[],
  waveRunCount: number,
  { counts, costs }: PlanSettings,
): ArmFigures {
  const [plan] = plans;
  if (plan === undefined) throw new Error(`the arm ${name} has no run`);
  const cost = costs?.arms.get(name);
  const work = isTrained(arm) ? workOf(recipe, arm, plan) : undefined;
  const validated = (work?.validationCount ?? 0) * validationAnswerCount(recipe, arm, plan, counts);
  const asked = answerCount(recipe, arm, plan, counts) + validated;
  const evaluationCount = tasksEvaluated(recipe, plan).length;
  const answer = endpointOf(arm) === undefined ? costs?.answer : undefined;
  const events = runEvents(plan, work?.activities, { waveRunCount, evaluationCount });
  const factor = (work?.stepCount ?? 0) * (work?.stepFactor ?? 1);
  const { training = 0, rollouts = 0 } = cost?.flops ?? {};
  const flops = { training: factor * (work?.passCount ?? 1) * training, rollouts: factor * rollouts };
  // Seconds of a step are its operations divided by a rate, so that a further pass costs as its operations do.
  const secondsPerFlop = training + rollouts === 0 ? 0 : (cost?.secondsPerStep ?? 0) / (training + rollouts);
  const seconds = (flops.training + flops.rollouts) * secondsPerFlop + asked * (answer?.seconds ?? 0);
  const stored = runStoreUse(recipe, work, {
    ...{ tasks: tasksEvaluated(recipe, plan), shardCount: plan.rolloutShardCount, answerCount: asked },
    snapshotByteLength: cost?.snapshotByteLength ?? 0,
  });
  const isKnownHere = answer?.seconds !== undefined;
  return {
    ...{ arm: name, objective: arm.objective, runCount: plans.length },
    ...{ stepCount: work?.stepCount ?? 0, updateCount: work?.updateCount ?? 0 },
    ...(isTrained(arm) && work && epochs(recipe, arm, work, counts)),
    promptTokenCount:
      (work?.promptCount ?? 0) * (cost?.promptTokenCount ?? 0) + asked * (answer?.promptTokenCount ?? 0),
    completionTokenCountMax: (work?.completionTokenCount ?? 0) + asked * recipe.evaluation.tokenCountMax,
    answerCount: asked,
    flops: { ...flops, evaluation: asked * (answer?.flops ?? 0) },
    ...(isKnownHere && { secondsHere: seconds }),
    ...{
      byteLengths: cost?.byteLengths ?? {},
      byteLengthNeeded: cost?.byteLengthNeeded ?? 0,
      fits: cost?.fits ?? true,
    },
    storageByteLength: stored.byteLength,
    historyEventCount: events.own + events.inExperiment,
    storeRequestCount: stored.requestCount,
  };
}

function workOf(recipe: Recipe, arm: TrainedArm, plan: ArmPlan): RunWork {
  const { completion } = trainingOf(arm);
  return runWork(recipe, arm, plan, completion === 'target' ? recipe.evaluation.tokenCountMax : completion);
}

/** Absent if the arm's tasks have no training examples that are known. */
function epochs(
  recipe: Recipe,
  arm: TrainedArm,
  work: RunWork,
  counts: readonly ExampleCount[],
): { readonly epochCount: number } | undefined {
  const available = trainedTasks(recipe, arm).reduce(
    (sum, task) => sum + Math.min(arm.mixture.exampleCountMax[task] ?? Infinity, countOf(counts, task, 'train')),
    0,
  );
  if (available === 0) return undefined;
  return { epochCount: (work.stepCount * trainingOf(arm).mixing.exampleCountPerStep) / available };
}

function assumptionsOf(recipe: Recipe, { counts, costs, utilization, imageEdge }: PlanSettings): string[] {
  const assumed = counts.filter(({ source }) => source === 'assumed');
  const rl = Object.values(recipe.arms).some(isRl);
  return [
    ...(assumed.length === 0
      ? []
      : [
          `not on this machine, so their rows were assumed (--assume, --examples): ${assumed.map(({ task, split, count }) => `${task}.${split} ${String(count)}`).join(', ')}`,
        ]),
    ...(costs?.assumptions ?? []),
    ...(costs
      ? [
          `completions have the maximum length${rl ? '; rounds of dynamic sampling are the maximum' : ''}`,
          `devices reach ${percent(utilization.training)} of their peak in training and ${percent(utilization.sampling)} in sampling (--training-utilization, --sampling-utilization)`,
        ]
      : []),
    `stored pictures have ${String(imageEdge)} pixels an edge, at 0.3 bytes a pixel`,
    'nothing is found in the store, and nothing is retried',
  ];
}

const percent = (share: number): string => `${String(Math.round(100 * share))} %`;
