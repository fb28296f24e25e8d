/**
 * Metrics and one log line at the end of every activity, taken from inputs and results so that activities contain no
 * measuring code. Names and meanings: docs/monitoring.md.
 */
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import type { MetricMeter } from '@temporalio/common';
import type { Logger } from 'pino';
import type { OnTransfer } from '../artifacts/store/s3-transport.ts';
import type { EvaluateResult, Made, RewardResult, RolloutInput, RolloutResult } from '../contract/activities.ts';
import type { OptimizeInput, OptimizeResult } from '../contract/optimize.ts';
import type { StepResult } from '../contract/step.ts';

export class ActivityMetrics {
  readonly #log: Logger;
  readonly #activity;
  readonly #compute;
  readonly #results;
  readonly #failures;
  readonly #tokens;
  readonly #gauges = new Map<string, ReturnType<MetricMeter['createGauge']>>();
  readonly #storeBytes;
  readonly #meter: MetricMeter;

  constructor(meter: MetricMeter, log: Logger) {
    this.#meter = meter;
    this.#log = log;
    this.#activity = meter.createHistogram(
      'mtrl_activity',
      'float',
      'seconds',
      'Duration of activities, cache hits included',
    );
    this.#compute = meter.createHistogram(
      'mtrl_compute',
      'float',
      'seconds',
      'Compute time of results that were not in the cache',
    );
    this.#results = meter.createCounter('mtrl_results', '', 'Results by source: cache or made');
    this.#failures = meter.createCounter('mtrl_failures', '', 'Failed attempts, by code');
    this.#tokens = meter.createCounter('mtrl_tokens', '', 'Tokens sampled (rollout) and trained on (optimize)');
    this.#storeBytes = meter.createCounter(
      'mtrl_store_bytes',
      'By',
      'Bytes of objects read from and written to the store',
    );
  }

  readonly onTransfer: OnTransfer = (direction, byteLength) => {
    this.#storeBytes.add(byteLength, { direction });
  };

  interceptor(context: Context): ActivityInboundCallsInterceptor {
    return { execute: (input, next) => this.#execute(context, input, next) };
  }

  async #execute(
    { info }: Context,
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const { activityType: activity, attempt } = info;
    const { isSupervised, ...ids } = idsOf(info.workflowExecution?.workflowId ?? '', activity, input.args[0]);
    const startedAtMs = performance.now();
    const seconds = (): number => (performance.now() - startedAtMs) / 1000;
    try {
      const result = await next(input);
      this.#activity.record(seconds(), { activity });
      const parts = partsOf(activity, result);
      for (const [part, made] of parts) this.#made(part, { ...ids, isSupervised }, made);
      this.#log.info({ ...ids, activity, attempt, seconds: seconds(), ...totalOf(parts) }, 'activity ended');
      return result;
    } catch (error) {
      const code = error instanceof ApplicationFailure ? (error.type ?? 'INVARIANT') : nameOf(error);
      this.#failures.add(1, { activity, code });
      this.#log.warn({ ...ids, activity, attempt, seconds: seconds(), code, err: error }, 'activity failed');
      throw error;
    }
  }

  #made(activity: string, ids: Ids, result: unknown): void {
    const made = madeOf(result);
    if (!made) return;
    this.#results.add(1, { activity, source: made.cached ? 'cache' : 'made' });
    if (!made.cached) {
      this.#compute.record(made.computeMs / 1000, { activity });
      const { tokenCount } = result as Partial<RolloutResult>;
      if (tokenCount !== undefined) this.#tokens.add(tokenCount, { activity });
    }
    for (const [name, value, task] of valuesOf(activity, result, ids)) {
      // The SDK's gauges reject negative values, which a penalised reward may have. A metric must not fail an activity.
      const shown = Math.max(0, value ?? Number.NaN);
      if (Number.isFinite(shown))
        this.#gauge(name).set(shown, { ...runTags(ids), ...(task !== undefined && { task }) });
    }
    if (ids.step !== undefined && ids.arm !== undefined) this.#gauge('mtrl_step').set(ids.step, runTags(ids));
  }

  #gauge(name: string): ReturnType<MetricMeter['createGauge']> {
    const known = this.#gauges.get(name);
    if (known) return known;
    const made = this.#meter.createGauge(name, 'float', '', gauges[name] ?? '');
    this.#gauges.set(name, made);
    return made;
  }
}

/** Gauges of a run's latest values; name -> meaning. */
const gauges: Readonly<Record<string, string>> = {
  mtrl_step: 'Last step of the run',
  mtrl_reward: 'Mean reward of a task in the last step; a negative one shows as 0',
  mtrl_accuracy: 'Mean accuracy of a task in the last step',
  mtrl_format: 'Share of parsable rollouts of a task in the last step',
  mtrl_common_verdict: 'Share of the most frequent verdict of a task in the last step',
  mtrl_common_verdict_labels: 'Share of the labels of a task in the last step that are its most frequent verdict',
  mtrl_completion_tokens: 'Mean tokens of a completion in the last rollouts',
  mtrl_informative_groups: 'Share of groups whose rewards differ',
  mtrl_entropy: 'Mean negative log-prob of sampled tokens, nats: an estimate of the entropy',
  mtrl_kl: 'k3 estimate of the KL divergence from the reference policy, nats per token',
  mtrl_sampler_kl: 'k3 estimate of the KL divergence of the sampler from the trainer, nats per token',
  mtrl_ratio_mean: 'Mean ratio of new to old probability over the updates of the last step',
  mtrl_ratio_max: 'Largest ratio of new to old probability of the last step',
  mtrl_clipped_share: 'Share of the ratios of the last step that were clipped',
  mtrl_pairs: 'DPO: prompts of the last step with a better and a worse rollout',
  mtrl_pair_margin: 'DPO: mean margin of the pairs of the last step; a negative one shows as 0',
  mtrl_pair_accuracy: 'DPO: share of the pairs of the last step with a margin above 0',
  mtrl_closeness: 'Mean closeness of scores to the label in the last step',
  mtrl_agreement: 'Mean agreement of all orders in the last step',
  mtrl_grader_score: 'Mean score of the grader in the last step',
  mtrl_overlong_penalty: 'Mean length penalty in the last step',
  mtrl_rollout_tokens_per_second: 'Tokens sampled by second of compute in the last rollouts',
  mtrl_loss: 'Cross-entropy of the last supervised step, nats per token',
  mtrl_gradient_norm: 'Before clipping',
  mtrl_log_prob_difference: 'Largest difference between rollout and trainer log-probs',
  mtrl_macro_f1: 'Macro-F1 of the last evaluation of a task',
};

type Value = readonly [name: string, value: number | undefined, task?: string];

function valuesOf(activity: string, result: unknown, { isSupervised }: Ids): readonly Value[] {
  if (activity === 'reward') {
    const { byTask, informativeGroupRate, partMeans = {} } = result as RewardResult;
    const perTask = byTask.flatMap(({ task, reward, accuracy, format, commonVerdict }): Value[] => [
      ['mtrl_reward', reward, task],
      ['mtrl_accuracy', accuracy, task],
      ['mtrl_format', format, task],
      ['mtrl_common_verdict', commonVerdict?.verdictRate, task],
      ['mtrl_common_verdict_labels', commonVerdict?.labelRate, task],
    ]);
    return [
      ...perTask,
      ['mtrl_informative_groups', informativeGroupRate],
      ['mtrl_closeness', partMeans.closeness],
      ['mtrl_agreement', partMeans.agreement],
      ['mtrl_grader_score', partMeans.graderScore],
      ['mtrl_overlong_penalty', partMeans.overlongPenalty],
    ];
  }
  if (activity === 'rollout') {
    const { entropyMean, tokenCount, rolloutCount, computeMs } = result as RolloutResult;
    return [
      ['mtrl_entropy', entropyMean],
      ['mtrl_completion_tokens', tokenCount / rolloutCount],
      ['mtrl_rollout_tokens_per_second', (1000 * tokenCount) / computeMs],
    ];
  }
  if (activity === 'optimize') {
    const { loss, gradientNorm, logProbDifferenceMax, samplerKlMean, klMean, ratio, pairs } = result as OptimizeResult;
    return [
      // A policy-gradient loss is signed and has no meaning by itself.
      ['mtrl_loss', isSupervised ? loss : undefined],
      ['mtrl_gradient_norm', gradientNorm],
      ['mtrl_log_prob_difference', logProbDifferenceMax],
      ['mtrl_kl', klMean],
      ['mtrl_sampler_kl', samplerKlMean],
      ['mtrl_ratio_mean', ratio?.mean],
      ['mtrl_ratio_max', ratio?.max],
      ['mtrl_clipped_share', ratio?.clippedShare],
      ['mtrl_pairs', pairs?.count],
      ['mtrl_pair_margin', pairs?.margin],
      ['mtrl_pair_accuracy', pairs?.accuracy],
    ];
  }
  if (activity !== 'evaluate') return [];
  const { scores } = result as EvaluateResult;
  return [['mtrl_macro_f1', scores.macroF1, scores.task]];
}

interface Ids {
  readonly workflow: string;
  readonly experiment: string;
  readonly arm?: string;
  readonly seed?: number;
  readonly step?: number;
  /** Whether an update is supervised: its input has no rollouts. */
  readonly isSupervised: boolean;
}

/** Ids from the workflow id (`<experiment>/<arm>/s<seed>`) and from the activity's input. */
function idsOf(workflow: string, activity: string, input: unknown): Ids {
  const { arm, seed, step, fromStep, rollouts } = (input ?? {}) as Partial<OptimizeInput & RolloutInput>;
  const at = step ?? fromStep;
  return {
    workflow,
    experiment: workflow.split('/')[0] ?? workflow,
    ...(arm !== undefined && { arm }),
    ...(seed !== undefined && { seed }),
    ...(at !== undefined && { step: at }),
    isSupervised: activity === 'optimize' && rollouts === undefined,
  };
}

function runTags({ experiment, arm, seed }: Ids): Record<string, string | number> {
  return { experiment, ...(arm !== undefined && { arm }), ...(seed !== undefined && { seed }) };
}

type Part = readonly [activity: string, result: unknown];

/** The parts of a step that is one activity count as the activities that they are elsewhere. */
function partsOf(activity: string, result: unknown): readonly Part[] {
  if (activity !== 'step') return [[activity, result]];
  const { rollout, reward, update } = result as StepResult;
  return [
    ['rollout', rollout],
    ['reward', reward],
    ['optimize', update],
  ];
}

function totalOf(parts: readonly Part[]): Pick<Made, 'cached' | 'computeMs'> | undefined {
  const made = parts.flatMap(([, result]) => madeOf(result) ?? []);
  if (made.length === 0) return undefined;
  return {
    cached: made.every(({ cached }) => cached),
    computeMs: made.reduce((sum, { computeMs }) => sum + computeMs, 0),
  };
}

function madeOf(result: unknown): Pick<Made, 'cached' | 'computeMs'> | undefined {
  if (typeof result !== 'object' || result === null || !('cached' in result)) return undefined;
  const { cached, computeMs } = result as Made;
  return { cached, computeMs };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'INVARIANT';
}
