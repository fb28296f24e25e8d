/** Visible state of a run: query result, current details, search attributes, and its signals to the experiment. */
import { getExternalWorkflowHandle, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { KeptRun, Made, PolicyState, RunOutcome, StageCost, TaskReward } from '../../contract/activities.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { CeilingReached } from '../../contract/ceilings.ts';
import { elapsedMs, nowMs } from '../clock.ts';
import { addStep, collapsedIn, leaningIn } from './collapse.ts';
import { runDetails } from './details.ts';
import { addStage, cacheOf, computeMsOf, runProgressSignal } from '../progress.ts';
import type { LeaningTask, RunProgress, StepRow, WorkState } from '../../contract/progress.ts';
import { upsertAttributes } from '../search-attributes.ts';
import { addReward, emptyTrace, traceLine } from './reward-trace.ts';
import type { RunSelection, Selection } from '../../contract/validation.ts';
import type { GoodSnapshot, RewardTrace, RunCarry, RunInput, UniformTasks } from '../../contract/workflows.ts';
import type { RunBudget } from './run-budget.ts';
import type { RunGuards } from './run-guards.ts';

/** Rows of the table in the details; older ones are in the report. */
const rowCountMax = 20;
/** Maximum number of upserts, spread evenly over the run: an upsert is an event. */
const upsertCountMax = 1_000;
const upsertEveryStepCount = 10;
/** Number of progress signals if the input sets none. */
const tellCountStandard = 20;

export class RunTracker {
  readonly startedAtMs: number;
  #state: WorkState = 'training';
  #phase = 'starting';
  #step: number;
  #upsertedStep: number;
  #rows: readonly StepRow[];
  #rewardTrace: RewardTrace;
  #uniform: UniformTasks;
  /** Of the newest step of this execution. */
  #leaning: readonly LeaningTask[] = [];
  #selection: Selection | undefined;
  #stages: readonly StageCost[];
  #checkpoint: ArtifactRef;
  #ceiling: CeilingReached | undefined;
  #toldCount: number;
  #resultCount = 0;
  readonly #input: RunInput;
  readonly #budget: RunBudget;
  readonly #guards: RunGuards;

  constructor(input: RunInput, budget: RunBudget, guards: RunGuards) {
    const { carried, shared } = input;
    const begun = carried ?? shared;
    this.#input = input;
    this.#budget = budget;
    this.#guards = guards;
    this.startedAtMs = carried?.startedAtMs ?? nowMs();
    this.#step = begun?.step ?? 0;
    this.#upsertedStep = this.#step;
    this.#rows = carried?.rows ?? [];
    this.#rewardTrace = carried?.rewardTrace ?? emptyTrace;
    this.#uniform = carried?.uniform ?? {};
    this.#selection = carried?.selection;
    this.#stages = begun?.stages ?? [];
    this.#checkpoint = begun?.checkpoint ?? input.initial.checkpoint;
    this.#toldCount = carried?.toldCount ?? 0;
    this.#show();
  }

  /** Workflow time since the run began, pauses included. */
  get wallMs(): number {
    return elapsedMs(this.startedAtMs);
  }

  get totals(): Pick<
    RunCarry,
    'startedAtMs' | 'stages' | 'rows' | 'rewardTrace' | 'uniform' | 'selection' | 'checkpoint' | 'toldCount'
  > {
    return {
      startedAtMs: this.startedAtMs,
      stages: this.#stages,
      rows: this.#rows,
      rewardTrace: this.#rewardTrace,
      uniform: this.#uniform,
      ...(this.#selection && { selection: this.#selection }),
      checkpoint: this.#checkpoint,
      toldCount: this.#toldCount,
    };
  }

  /** What a run that goes back here takes up again, beside its policy. */
  get place(): Pick<GoodSnapshot, 'checkpoint' | 'selection'> {
    return { checkpoint: this.#checkpoint, ...(this.#selection && { selection: this.#selection }) };
  }

  /** Undefined before the first validation. */
  get selection(): Selection | undefined {
    return this.#selection;
  }

  /** Activity results in the current execution. */
  get resultCount(): number {
    return this.#resultCount;
  }

  /** Empty before the first reward. */
  get rewardLine(): Pick<RunProgress, 'rewardLine'> {
    const rewardLine = traceLine(this.#rewardTrace);
    return rewardLine === '' ? {} : { rewardLine };
  }

  progress(): RunProgress {
    const { plan } = this.#input;
    const last = this.#rows.at(-1);
    const collapsed = collapsedIn(this.#uniform);
    const leaning = this.#leaning.filter(({ task }) => !collapsed.some((one) => one.task === task));
    return {
      runName: plan.runName,
      workflowId: workflowInfo().workflowId,
      arm: plan.arm,
      seed: plan.seed,
      state: this.#state,
      phase: this.#phase,
      step: this.#step,
      stepCount: this.#budget.endStep,
      ...(last && { last }),
      ...this.rewardLine,
      ...(collapsed.length > 0 && { collapsed }),
      ...(leaning.length > 0 && { leaning }),
      ...this.#guards.incidents,
      ...(this.#ceiling && { ceiling: this.#ceiling }),
      ...this.#validation,
      cache: cacheOf(this.#stages),
      computeMs: computeMsOf(this.#stages),
      startedAtMs: this.startedAtMs,
      checkpoint: this.#checkpoint,
      toldCount: this.#toldCount,
    };
  }

  get #validation(): Pick<RunProgress, 'validation'> {
    if (this.#selection === undefined) return {};
    const { best, last } = this.#selection;
    return { validation: { best: { step: best.step, score: best.score }, last } };
  }

  phase(phase: string): void {
    this.#phase = phase;
  }

  made(activity: StageCost['activity'], ...results: readonly Made[]): void {
    this.#resultCount += results.length;
    this.alsoMade(activity, ...results);
  }

  /** Parts of an activity that is counted elsewhere. */
  alsoMade(activity: StageCost['activity'], ...results: readonly Made[]): void {
    this.#stages = addStage(this.#stages, activity, results);
  }

  /** @param byTask rewards of the step's rollouts; empty for supervised steps */
  stepped(toStep: number, row: StepRow, byTask: readonly TaskReward[]): void {
    this.#uniform = addStep(this.#uniform, row.step, byTask);
    this.#leaning = leaningIn(byTask);
    const before = this.#step;
    this.#step = toStep;
    this.#rows = [...this.#rows, row].slice(-rowCountMax);
    if (row.reward !== undefined) this.#rewardTrace = addReward(this.#rewardTrace, row.reward);
    this.#show();
    const { endStep } = this.#budget;
    const upsertEvery = Math.max(upsertEveryStepCount, Math.ceil(endStep / upsertCountMax));
    if (toStep - this.#upsertedStep >= upsertEvery && toStep < endStep) {
      this.#upsertedStep = toStep;
      upsertAttributes({ step: toStep });
    }
    // By steps and not by time: steps are in the history, so a replay sends its signals at the same places.
    const tellEvery = Math.max(1, Math.ceil(endStep / (this.#input.tellCountMax ?? tellCountStandard)));
    if (Math.floor(toStep / tellEvery) > Math.floor(before / tellEvery)) this.tell();
  }

  /** What is stored of the whole run once it has ended. */
  outcome(policy: PolicyState, mixture: ArtifactRef, selection?: RunSelection): RunOutcome {
    const checkpoint = this.#checkpoint;
    const row = this.#rows.at(-1);
    const common = {
      ...{ checkpoint, policy, mixture, ...this.rewardLine, ...(selection && { selection }) },
      ...this.#guards.incidents,
    };
    if (!row) return common;
    const { cachedCount: _, ...last } = row;
    return { ...common, last };
  }

  /** Takes over the results of a stored run. */
  found({ checkpoint, last, manifest, selection }: KeptRun): void {
    this.made('findRun', { manifest, cached: true, computeMs: 0 });
    this.#checkpoint = checkpoint;
    this.#step = selection?.last.step ?? this.#budget.endStep;
    this.#selection = selection;
    if (last) this.#rows = [{ ...last, cachedCount: 1 }];
  }

  validated(selection: Selection): void {
    this.#selection = selection;
    this.#show();
  }

  snapshotted(checkpoint: ArtifactRef): void {
    this.#checkpoint = checkpoint;
  }

  /** The run goes on from an earlier step. Rewards stay in the trace: they were paid for. */
  rewound({ step, checkpoint, selection }: GoodSnapshot): void {
    this.#step = step;
    this.#checkpoint = checkpoint;
    this.#selection = selection;
    this.#rows = this.#rows.filter((row) => row.step < step);
    this.#uniform = {};
    this.#leaning = [];
    this.#phase = `back after step ${String(step)}, with other draws`;
    this.#show();
    this.tell();
  }

  ended(ceiling: CeilingReached | undefined): void {
    this.#ceiling = ceiling;
  }

  state(state: WorkState, phase: string): void {
    this.#state = state;
    this.#phase = phase;
    upsertAttributes({ state, ...(this.#step === this.#upsertedStep ? {} : { step: this.#step }) });
    this.#upsertedStep = this.#step;
    this.#show();
    this.tell();
  }

  /** Not awaited: the signal is sent with the next activity's command. A run started by hand has no experiment. */
  tell(): void {
    const { parent } = workflowInfo();
    if (!parent) return;
    this.#toldCount++;
    const signalled = getExternalWorkflowHandle(parent.workflowId).signal(runProgressSignal, this.progress());
    // The signal fails if the experiment is gone or the run is cancelled; neither affects the run.
    void signalled.catch(() => undefined);
  }

  #show(): void {
    setCurrentDetails(runDetails(this.progress(), this.#rows));
  }
}
