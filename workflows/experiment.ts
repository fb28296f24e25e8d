/**
 * One experiment, from a recipe in JSON to a report. The optional second argument sets what to start from. The workflow
 * id is the experiment's id; its runs are children.
 *   prepare -> ingest, import the policy -> runs in parallel, each evaluated as soon as it has ended -> report
 */
import {
  allHandlersFinished,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  continueAsNew,
  ParentClosePolicy,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { ArmPlan, ImportPolicyInput, ImportPolicyResult, PrepareResult } from '../contract/activities.ts';
import { admitted } from './admitted.ts';
import { bulk, compute, control } from './activity-options.ts';
import { onPool } from './pools.ts';
import { planDetails } from './training/details.ts';
import type { evaluate } from './evaluate.ts';
import { ExperimentTracker } from './training/experiment-tracker.ts';
import { endedBadly } from './failure.ts';
import { requireForm } from './input-form.ts';
import { experimentProgressQuery, pauseSignal, resumeSignal, runProgressSignal } from './progress.ts';
import type { run } from './run.ts';
import { cancelNewestPart } from './newest-part.ts';
import { pixelBaselines } from './pixel-baselines.ts';
import { meanMacroF1 } from './training/scores.ts';
import { attributesOfChild } from './search-attributes.ts';
import type { Fork } from '../contract/fork.ts';
import type {
  DoneRun,
  ExperimentCarry,
  ExperimentOptions,
  ExperimentRef,
  ExperimentResult,
  RunInput,
  RunResult,
} from '../contract/workflows.ts';
import { Slots } from './training/slots.ts';
import { wavesOf } from './training/waves.ts';

/** Limit on the progress signals of all runs of a wave: each adds about four events to this workflow's history. */
const waveTellCountMax = 2_000;
const runTellCountMax = 50;

/** `carried` is set only by continue-as-new. */
export async function experiment(
  recipe: unknown,
  options: ExperimentOptions = {},
  carried?: ExperimentCarry,
): Promise<ExperimentResult> {
  const { workflowId: experimentId } = workflowInfo();
  const tracker = new ExperimentTracker(experimentId, carried);
  const running = new RunningRuns(carried?.paused ?? false);
  setHandler(experimentProgressQuery, () => tracker.progress());
  setHandler(runProgressSignal, (progress) => {
    tracker.told(progress);
  });
  setHandler(pauseSignal, () => running.signal('pause'));
  setHandler(resumeSignal, () => running.signal('resume'));
  try {
    requireForm(options, { example: '{}, or leave it out', required: [], optional: ['initial', 'fork'] });
    const begun = carried ?? (await begin(recipe, options, tracker));
    const { prepared, ingestion, initial } = begun;
    const { recipeName } = prepared;
    const ref = { experimentId, recipeName, recipe: prepared.recipe, dataset: ingestion.dataset };
    const waves = wavesOf(prepared.runs);
    const before = carried?.done ?? [];
    const wave = waves.find(([first]) => !before.some(({ runName }) => runName === first?.runName)) ?? [];
    const isLast = before.length + wave.length === prepared.runs.length;
    const [trained, baselines] = await Promise.all([
      new Training(ref, begun, wave, before, tracker, running, options.fork).all(),
      isLast
        ? pixelBaselines({ recipe: ref.recipe, dataset: ref.dataset, evaluations: prepared.evaluations })
        : undefined,
    ]);
    const done = [...before, ...trained];
    if (done.length < prepared.runs.length) {
      await condition(allHandlersFinished);
      const { startedAtMs, cache } = tracker;
      const { isPaused: paused } = running;
      await continueAsNew<typeof experiment>(recipe, options, {
        ...{ startedAtMs, prepared, ingestion, initial, cache, paused, done },
      });
    }
    const evaluated = new Map(done.map((run) => [run.runName, run.evaluated]));
    const runs = prepared.runs.flatMap(({ runName }) => evaluated.get(runName) ?? []);
    tracker.state('reporting', 'writing the report');
    const { cache, wallMs } = tracker;
    const report = await bulk.report.executeWithOptions({ summary: 'report' }, [
      { experimentId, recipe: prepared.recipe, ingestion, runs, cache, wallMs, ...(baselines && { baselines }) },
    ]);
    tracker.reported(report);
    return { ...ref, recipeDigest: prepared.recipeDigest, ...report, cache, wallMs };
  } catch (error) {
    throw endedBadly(error);
  }
}

type Begun = Pick<ExperimentCarry, 'prepared' | 'ingestion' | 'initial'>;

async function begin(recipe: unknown, { initial }: ExperimentOptions, tracker: ExperimentTracker): Promise<Begun> {
  const prepared = await control.prepare.executeWithOptions({ summary: 'recipe' }, [
    { recipe, experimentId: workflowInfo().workflowId },
  ]);
  tracker.prepared(prepared);
  const ingest = () => bulk.ingest.executeWithOptions({ summary: 'datasets' }, [{ recipe: prepared.recipe }]);
  const endpoint = onlyEndpoint(prepared);
  if (endpoint !== undefined) {
    // No policy's tokens limit the prompts, so there is nothing to import and no row to admit.
    const ingestion = await ingest();
    tracker.ingested(ingestion);
    return { prepared, ingestion, initial: asked(endpoint) };
  }
  const [read, imported] = await Promise.all([
    ingest(),
    compute.importPolicy.executeWithOptions({ summary: 'initial policy', ...onPool(prepared.pools?.training) }, [
      { recipe: prepared.recipe, ...keptPolicy(initial) },
    ]),
  ]);
  const ingestion = await admitted(
    read,
    { recipe: prepared.recipe, policy: imported.policy, asked: { by: 'arms' } },
    prepared.pools?.training,
  );
  tracker.ingested(ingestion, imported);
  return { prepared, ingestion, initial: initialOf(imported) };
}

/** If every arm asks an endpoint, the first of them. */
function onlyEndpoint({ runs }: PrepareResult): ArtifactRef | undefined {
  return runs.every(({ endpoint }) => endpoint !== undefined) ? runs[0]?.endpoint : undefined;
}

/** An endpoint stands for the policy that other runs start from, and for its checkpoint. */
function asked(endpoint: ArtifactRef): RunInput['initial'] {
  return { policy: { snapshot: endpoint, log: [] }, checkpoint: endpoint };
}

/**
 * What to import: the snapshot, so that its history continues in this experiment. If the policy has steps since, the
 * checkpoint, because only that includes them.
 */
function keptPolicy(initial: ExperimentOptions['initial']): Omit<ImportPolicyInput, 'recipe'> {
  if (initial === undefined) return {};
  const { policy, checkpoint } = initial;
  return policy.log.length === 0 ? { from: policy.snapshot } : { checkpoint };
}

function initialOf({ policy, checkpoint }: ImportPolicyResult): RunInput['initial'] {
  return { policy, checkpoint };
}

/** The running runs, which a pause reaches. A run that starts during a pause is paused when it starts. */
class RunningRuns {
  #paused: boolean;
  readonly #handles = new Set<ChildWorkflowHandle<typeof run>>();

  constructor(paused: boolean) {
    this.#paused = paused;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  async add(handle: ChildWorkflowHandle<typeof run>): Promise<void> {
    this.#handles.add(handle);
    if (this.#paused) await handle.signal(pauseSignal);
  }

  remove(handle: ChildWorkflowHandle<typeof run>): void {
    this.#handles.delete(handle);
  }

  async cancel(): Promise<void> {
    await Promise.all([...this.#handles].map(({ workflowId }) => cancelNewestPart(workflowId)));
  }

  async signal(kind: 'pause' | 'resume'): Promise<void> {
    this.#paused = kind === 'pause';
    const signal = kind === 'pause' ? pauseSignal : resumeSignal;
    // A run may end before the signal arrives.
    await Promise.allSettled([...this.#handles].map((handle) => handle.signal(signal)));
  }
}

class Training {
  readonly #ref: ExperimentRef;
  readonly #prepared: PrepareResult;
  readonly #initial: RunInput['initial'];
  readonly #wave: readonly ArmPlan[];
  readonly #done: readonly DoneRun[];
  readonly #tracker: ExperimentTracker;
  readonly #running: RunningRuns;
  readonly #fork: Fork | undefined;
  readonly #slots: Slots;
  readonly #trained = new Map<string, Promise<RunResult>>();
  #trainedCount = 0;

  constructor(
    ref: ExperimentRef,
    { prepared, initial }: Begun,
    wave: readonly ArmPlan[],
    done: readonly DoneRun[],
    tracker: ExperimentTracker,
    running: RunningRuns,
    fork: Fork | undefined,
  ) {
    this.#ref = ref;
    this.#prepared = prepared;
    this.#initial = initial;
    this.#wave = wave;
    this.#done = done;
    this.#tracker = tracker;
    this.#running = running;
    this.#fork = fork;
    this.#slots = new Slots(prepared.parallelRunCountMax);
  }

  /** If one run fails, cancels the others and waits for them, so that the experiment leaves nothing running. */
  async all(): Promise<DoneRun[]> {
    const scope = new CancellationScope({ cancellable: true });
    void scope.cancelRequested.catch(() => this.#running.cancel());
    return scope.run(async () => {
      const runs = this.#wave.map((plan) => this.#trainAndEvaluate(plan));
      try {
        return await Promise.all(runs);
      } catch (error) {
        scope.cancel();
        await Promise.allSettled(runs);
        throw error;
      }
    });
  }

  async #trainAndEvaluate(plan: ArmPlan): Promise<DoneRun> {
    const { summary } = await this.#train(plan);
    this.#trainedCount++;
    if (this.#done.length + this.#trainedCount === this.#prepared.runs.length)
      this.#tracker.state('evaluating', 'all runs have finished');
    const { evaluatedTasks } = plan;
    const { evaluations: all } = this.#prepared;
    const evaluations = evaluatedTasks ? all.filter(({ task }) => evaluatedTasks.includes(task)) : all;
    const evaluated = async () => {
      const handle = await startChild<typeof evaluate>('evaluate', {
        ...this.#childOptions(plan, `${this.#idOf(plan)}/evaluate`, 'evaluating'),
        args: [{ ...this.#ref, run: summary, evaluations }],
        staticSummary: `evaluation of ${plan.runName}: ${String(evaluations.length)} tasks`,
      });
      return handle.result();
    };
    // Before the runs that wait, while an engine holds the policy.
    const result = await this.#slots.run(evaluated, true);
    this.#tracker.evaluated(plan.runName, result);
    const macroF1 = meanMacroF1(result.tasks);
    const isSource = this.#prepared.runs.some(({ from }) => from === plan.runName);
    return {
      ...{ runName: plan.runName, evaluated: result.evaluated },
      ...(macroF1 !== undefined && { macroF1 }),
      ...(isSource && { snapshot: summary.policy.snapshot }),
    };
  }

  /** Trains a run once, at the first request: by its own evaluation, or by a run that starts from it. */
  #train(plan: ArmPlan): Promise<RunResult> {
    const known = this.#trained.get(plan.runName);
    if (known) return known;
    const trained = this.#begun(plan);
    this.#trained.set(plan.runName, trained);
    return trained;
  }

  async #begun(plan: ArmPlan): Promise<RunResult> {
    const shared = this.#fork?.runs.find(({ runName }) => runName === plan.runName);
    // Not in a slot: the run that this one starts from may need it.
    const initial = shared?.initial ?? (await this.#initialOf(plan));
    return this.#slots.run(() => this.#run(plan, initial, shared));
  }

  async #run(plan: ArmPlan, initial: RunInput['initial'], shared: RunInput['shared']): Promise<RunResult> {
    const workflowId = this.#idOf(plan);
    const tellCountMax = Math.min(
      ...[runTellCountMax, Math.floor(waveTellCountMax / this.#wave.length)],
      // A signal is as many events in the run as a step: not after every step of a short one.
      Math.max(1, Math.floor(plan.stepCount / 2)),
    );
    const handle = await startChild<typeof run>('run', {
      ...this.#childOptions(plan, workflowId, 'training'),
      args: [{ ...this.#ref, plan, initial, tellCountMax, ...(shared && { shared }) }],
      staticSummary: `${plan.runName}: ${plan.objective}, ${String(plan.stepCount)} steps`,
      staticDetails: planDetails(plan, this.#prepared, this.#ref.experimentId),
    });
    await this.#running.add(handle);
    const result = await handle.result();
    this.#running.remove(handle);
    this.#tracker.trained(workflowId, result);
    return result;
  }

  async #initialOf({ from, endpoint }: ArmPlan): Promise<RunInput['initial']> {
    if (endpoint !== undefined) return asked(endpoint);
    if (from === undefined) return this.#initial;
    const source = this.#prepared.runs.find(({ runName }) => runName === from);
    if (!source) throw new Error(`no run is called ${from}`);
    const snapshot =
      this.#done.find(({ runName }) => runName === from)?.snapshot ??
      (await this.#train(source)).summary.policy.snapshot;
    const options = { summary: `policy of ${from}`, ...onPool(this.#prepared.pools?.training) };
    const imported = await compute.importPolicy.executeWithOptions(options, [
      { recipe: this.#ref.recipe, from: snapshot },
    ]);
    this.#tracker.made(imported);
    return initialOf(imported);
  }

  #idOf(plan: ArmPlan): string {
    return `${this.#ref.experimentId}/${plan.runName}`;
  }

  #childOptions(plan: ArmPlan, workflowId: string, state: 'training' | 'evaluating') {
    const { recipeDigest } = this.#prepared;
    return {
      workflowId,
      typedSearchAttributes: attributesOfChild({ ...this.#ref, recipeDigest }, plan, state),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    };
  }
}
