/** Keeps what an experiment shows of itself: the answer to its query, its current details and its search attributes. */
import { setCurrentDetails } from '@temporalio/workflow';
import type { CacheCount, IngestResult, Made, PrepareResult, ReportResult } from '../activities/contract.ts';
import { experimentDetails } from './details.ts';
import {
  addCache,
  countMade,
  type ExperimentProgress,
  type RunProgress,
  type ScoredRun,
  type WorkState,
} from './progress.ts';
import { meanMacroF1 } from './scores.ts';
import { upsertAttributes } from './search-attributes.ts';
import type { EvaluateRunResult, RunResult } from './types.ts';

export class ExperimentTracker {
  readonly startedAtMs = Date.now();
  readonly #experimentId: string;
  #prepared: PrepareResult | undefined;
  #state: WorkState = 'preparing';
  #phase = 'reading the recipe';
  #runs = new Map<string, RunProgress>();
  #evaluations: ScoredRun[] = [];
  #cache: CacheCount = { hits: 0, misses: 0 };
  #report: ReportResult | undefined;

  constructor(experimentId: string) {
    this.#experimentId = experimentId;
    upsertAttributes({ experimentId, state: 'preparing' });
    this.#show();
  }

  get cache(): CacheCount {
    return this.#cache;
  }

  get wallMs(): number {
    return Date.now() - this.startedAtMs;
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
      step: runs.reduce((sum, { step }) => sum + step, 0),
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

  ingested(result: IngestResult, imported: Made): void {
    this.#count([result, imported]);
    this.state(
      'training',
      `${String(result.exampleCount)} examples, ${String(result.quarantinedCount)} rows in quarantine`,
    );
  }

  /** What a run tells; once its end is known, nothing that arrives late counts. */
  told(progress: RunProgress): void {
    if (this.#runs.get(progress.runName)?.state === 'done') return;
    this.#runs.set(progress.runName, progress);
    this.#show();
  }

  trained(workflowId: string, { summary, cache, last, rewardLine }: RunResult): void {
    const { plan, checkpoint, computeMs, wallMs } = summary;
    this.#cache = addCache(this.#cache, cache);
    this.#runs.set(plan.runName, {
      ...{ runName: plan.runName, workflowId, arm: plan.arm, seed: plan.seed },
      ...{ state: 'done', phase: 'done', step: plan.stepCount, stepCount: plan.stepCount },
      ...(last && { last }),
      ...(rewardLine !== undefined && { rewardLine }),
      ...{ cache, computeMs, checkpoint, startedAtMs: Date.now() - wallMs },
    });
    this.#show();
  }

  evaluated(runName: string, { evaluations, cache }: EvaluateRunResult): void {
    this.#cache = addCache(this.#cache, cache);
    this.#evaluations = [...this.#evaluations, { runName, scores: evaluations.map(({ scores }) => scores) }];
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

  /** The experiment's Macro-F1 is that of its best run, as a mean over the tasks it was trained on. */
  reported(report: ReportResult): void {
    this.#report = report;
    this.#state = 'done';
    this.#phase = 'done';
    const means = this.#evaluations.flatMap(({ scores }) => meanMacroF1(scores) ?? []);
    upsertAttributes({ state: 'done', ...(means.length > 0 && { macroF1: Math.max(...means) }) });
    this.#show();
  }

  #count(made: readonly Made[]): void {
    this.#cache = addCache(this.#cache, countMade(made));
  }

  #show(): void {
    setCurrentDetails(experimentDetails(this.progress()));
  }
}
