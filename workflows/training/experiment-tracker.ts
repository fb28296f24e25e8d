/** Visible state of an experiment: the result of its query, its current details and its search attributes. */
import { setCurrentDetails } from '@temporalio/workflow';
import type {
  ArmPlan,
  CacheCount,
  IngestResult,
  Made,
  PrepareResult,
  ReportResult,
} from '../../contract/activities.ts';
import { elapsedMs, nowMs } from '../clock.ts';
import { experimentDetails } from './details.ts';
import { addCache, countMade } from '../progress.ts';
import type { ExperimentProgress, RunProgress, ScoredRun, TaskMacroF1, WorkState } from '../../contract/progress.ts';
import { meanMacroF1 } from './scores.ts';
import { upsertAttributes } from '../search-attributes.ts';
import type { EvaluateRunResult, ExperimentCarry, RunResult } from '../../contract/workflows.ts';

export class ExperimentTracker {
  readonly startedAtMs: number;
  readonly #experimentId: string;
  #prepared: PrepareResult | undefined;
  #state: WorkState = 'preparing';
  #phase = 'reading the recipe';
  #runs = new Map<string, RunProgress>();
  #evaluations: readonly ScoredRun[] = [];
  readonly #scored = new Map<string, readonly TaskMacroF1[]>();
  #cache: CacheCount = { hits: 0, misses: 0 };
  #report: ReportResult | undefined;

  constructor(experimentId: string, carried?: ExperimentCarry) {
    this.#experimentId = experimentId;
    this.startedAtMs = carried?.startedAtMs ?? nowMs();
    if (carried) {
      this.#prepared = carried.prepared;
      this.#cache = carried.cache;
      this.#state = 'training';
      this.#phase = `${String(carried.done.length)} runs are done`;
      this.#evaluations = carried.done.map(({ runName, macroF1 }) => ({
        runName,
        ...(macroF1 !== undefined && { macroF1 }),
      }));
    } else upsertAttributes({ experimentId, state: 'preparing' });
    this.#show();
  }

  get cache(): CacheCount {
    return this.#cache;
  }

  get wallMs(): number {
    return elapsedMs(this.startedAtMs);
  }

  progress(): ExperimentProgress {
    const plans = this.#prepared?.runs ?? [];
    const runs = plans.flatMap(({ runName }) => this.#runs.get(runName) ?? []);
    return {
      experimentId: this.#experimentId,
      recipeName: this.#prepared?.recipeName ?? '',
      recipeDigest: this.#prepared?.recipeDigest ?? '',
      state: this.#state,
      phase: this.#phase,
      step: plans.reduce((sum, plan) => sum + this.#stepOf(plan), 0),
      stepCount: plans.reduce((sum, plan) => sum + (this.#runs.get(plan.runName) ?? plan).stepCount, 0),
      runs,
      runCount: plans.length,
      evaluations: this.#evaluations,
      cache: this.#cache,
      startedAtMs: this.startedAtMs,
      ...(this.#report && { report: this.#report.report, index: this.#report.index }),
    };
  }

  prepared(prepared: PrepareResult): void {
    this.#prepared = prepared;
    this.#state = 'ingesting';
    this.#phase = 'reading datasets, importing the policy';
    const { recipeName, recipeDigest } = prepared;
    upsertAttributes({ recipeName, recipeDigest, state: 'ingesting' });
    this.#show();
  }

  ingested(result: IngestResult, imported?: Made): void {
    this.#count([result, ...(imported ? [imported] : [])]);
    const { exampleCount, quarantinedCount, leftOutCount = 0 } = result;
    const leftOut = leftOutCount === 0 ? '' : `, ${String(leftOutCount)} left out`;
    this.state(
      'training',
      `${String(exampleCount)} examples, ${String(quarantinedCount)} rows in quarantine${leftOut}`,
    );
  }

  /** Takes a run's progress signal; ignored if the run has ended or a later signal has been received. */
  told(progress: RunProgress): void {
    const known = this.#runs.get(progress.runName);
    if (known?.state === 'done' || (progress.toldCount ?? Infinity) < (known?.toldCount ?? 0)) return;
    this.#runs.set(progress.runName, progress);
    this.#show();
  }

  trained(workflowId: string, { summary, cache, last, rewardLine }: RunResult): void {
    const { plan, checkpoint, computeMs, wallMs, incidents, ceiling } = summary;
    this.#cache = addCache(this.#cache, cache);
    this.#runs.set(plan.runName, {
      ...{ runName: plan.runName, workflowId, arm: plan.arm, seed: plan.seed },
      ...{ state: 'done', phase: 'done', step: plan.stepCount, stepCount: plan.stepCount },
      ...(last && { last }),
      ...(incidents && { incidents }),
      ...(ceiling && { ceiling }),
      ...(rewardLine !== undefined && { rewardLine }),
      ...{ cache, computeMs, checkpoint, startedAtMs: nowMs() - wallMs },
    });
    this.#show();
  }

  evaluated(runName: string, { tasks, cache }: EvaluateRunResult): void {
    const macroF1 = meanMacroF1(tasks);
    this.#cache = addCache(this.#cache, cache);
    this.#evaluations = [...this.#evaluations, { runName, ...(macroF1 !== undefined && { macroF1 }) }];
    this.#scored.set(runName, tasks);
    this.#show();
  }

  made(made: Made): void {
    this.#count([made]);
  }

  state(state: WorkState, phase: string): void {
    this.#state = state;
    this.#phase = phase;
    upsertAttributes({ state });
    this.#show();
  }

  /** The experiment's Macro-F1 is that of its best run, as a mean over the tasks that were trained on. */
  reported(report: ReportResult): void {
    this.#report = report;
    this.#state = 'done';
    this.#phase = 'done';
    const means = this.#evaluations.flatMap(({ macroF1 }) => macroF1 ?? []);
    upsertAttributes({ state: 'done', ...(means.length > 0 && { macroF1: Math.max(...means) }) });
    this.#show();
  }

  /** Steps done by a run. A run from before continue-as-new is done, and known only by its evaluation. */
  #stepOf({ runName, stepCount }: ArmPlan): number {
    const isDone = this.#evaluations.some((each) => each.runName === runName);
    return this.#runs.get(runName)?.step ?? (isDone ? stepCount : 0);
  }

  #count(made: readonly Made[]): void {
    this.#cache = addCache(this.#cache, countMade(made));
  }

  #show(): void {
    setCurrentDetails(experimentDetails(this.progress(), this.#scored));
  }
}
