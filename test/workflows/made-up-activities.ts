/** Fake activities that only record their calls and answer: the workflow logic is under test. */
import type {
  Activities,
  ArmPlan,
  EvaluateInput,
  Held,
  EvaluateResult,
  KeptRun,
  Made,
  PrepareResult,
  RewardInput,
  RewardResult,
  RolloutInput,
  RolloutResult,
} from '../../contract/activities.ts';
import type { BadSteps } from '../../contract/guards.ts';
import type { OptimizeInput, OptimizeResult } from '../../contract/optimize.ts';
import type { AverageSnapshotsInput, SnapshotInput } from '../../contract/snapshots.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ComputeActivities } from '../../contract/compute-activities.ts';
import type { RetrainingActivities } from '../../contract/retraining.ts';
import { sha256 } from '../../core/json.ts';
import { MadeUpRegistry } from './made-up-registry.ts';

export function refTo(name: string): ArtifactRef {
  return { uri: `file:///made-up/${name}`, sha256: sha256(name), byteLength: name.length };
}

function made(): Made {
  return { manifest: refTo('manifest'), cached: false, computeMs: 1 };
}

export function planOf(changes: Partial<ArmPlan> & Pick<ArmPlan, 'arm' | 'objective'>): ArmPlan {
  return {
    ...{ mode: 'think', seed: 0, runName: `${changes.arm}/s0`, stepCount: 4, stepCountPerActivity: 1 },
    ...{ rolloutShardCount: 1, snapshotEveryStepCount: 2, usesReference: false },
    ...changes,
  };
}

/** A fake recipe holds only what `prepare` returns. */
export type MadeUpRecipe = Pick<PrepareResult, 'runs' | 'promotion' | 'parallelRunCountMax' | 'pools'> &
  Partial<Pick<PrepareResult, 'evaluations'>>;

export class MadeUpActivities {
  /** Calls in order: `rollout 0 1/2`, `reward 0`, `optimize 0-1 on base+0`, ... */
  readonly calls: string[] = [];
  /** Called before an activity answers. */
  before: (call: string) => void | Promise<void> = () => undefined;
  /** Used instead of the recipe if the recipe is a real one. */
  planned: MadeUpRecipe | undefined;
  /** Called before the lookup of a whole run. */
  beforeFinding: () => void | Promise<void> = () => undefined;
  /** Stored runs by name; undefined if runs are not to be stored. */
  keptRuns: Map<string, KeptRun> | undefined;
  /** The Macro-F1 of an evaluation; undefined for the usual one. */
  scoreOf: (input: EvaluateInput) => number | undefined = () => undefined;
  /** Task queue of the worker that is said to hold the policy. */
  heldBy: string | undefined;
  /** The bad numbers of an update. */
  badOf: (input: OptimizeInput) => BadSteps | undefined = () => undefined;
  /** The end of an activity that is asked for it, in milliseconds. */
  endedAtMs: () => number = () => 0;
  readonly registry = new MadeUpRegistry((call) => this.#note(call));

  get control(): Pick<
    Activities,
    | ('prepare' | 'ingest' | 'readRows' | 'mix' | 'reward' | 'evaluateEndpoint' | 'judgeRowsEndpoint')
    | 'calibrate'
    | ('keepEvaluations' | 'pixelBaselines' | 'report')
  > &
    RetrainingActivities {
    return {
      ...this.registry.activities,
      prepare: async ({ recipe }) => {
        await this.#note('prepare');
        const { evaluations: wanted, ...planned } = this.planned ?? (recipe as MadeUpRecipe);
        const evaluations: PrepareResult['evaluations'] = wanted ?? [
          { task: 'known', split: 'test', ood: false },
          { task: 'unseen', split: 'test', ood: true },
        ];
        const digest = sha256(JSON.stringify(recipe));
        const facts = { recipe: refTo('recipe'), recipeDigest: digest, recipeName: 'made-up' };
        return { ...facts, ...planned, evaluations };
      },
      ingest: async () => {
        await this.#note('ingest');
        const counts = { exampleCount: 8, imageCount: 8, quarantinedCount: 0 };
        return { ...made(), ...counts, dataset: refTo('dataset'), datasets: { hits: 0, misses: 1 } };
      },
      mix: async ({ arm, segment, stepCount, isTimed }) => {
        const rewards = segment?.rewards.map(({ uri }) => uri.split('/').at(-1) ?? '').join(', ') ?? '';
        const of = stepCount === undefined ? '' : ` of ${String(stepCount)} steps`;
        await this.#note(
          segment ? `mix ${arm}${of} from ${String(segment.fromStep)} after ${rewards}` : `mix ${arm}${of}`,
        );
        const ended = isTimed && { endedAtMs: this.endedAtMs() };
        return { ...made(), plan: refTo(`plan of ${arm}`), exampleCountByTask: { known: 8 }, ...ended };
      },
      reward: (input) => this.#reward(input),
      evaluateEndpoint: async ({ task, arm, endpoint, before: { answerCount } }) => {
        await this.#note(`ask ${arm} on ${task} after ${String(answerCount)} answers`);
        const usage = { answerCount: 8, promptTokenCount: 800, completionTokenCount: 80 };
        return { ...made(), judgments: refTo(`judgments ${endpoint.uri}`), scores: scoresOf(task), usage };
      },
      calibrate: async ({ checkpoint, mode, judged }) => {
        await this.#note(
          `calibrate ${checkpoint.uri.split('/').at(-1) ?? ''} ${mode} on ${judged.map(({ task, split }) => `${task} ${split}`).join(', ')}`,
        );
        return { ...made(), calibration: refTo('calibration') };
      },
      readRows: async () => {
        await this.#note('readRows');
        return { recipe: refTo('recipe'), dataset: refTo('rows'), exampleCount: 8, quarantinedCount: 1 };
      },
      judgeRowsEndpoint: async ({ arm, task }) => {
        await this.#note(`ask ${arm} about rows of ${task}`);
        const usage = { answerCount: 8, promptTokenCount: 800, completionTokenCount: 80 };
        const judged = { rows: refTo('judged rows'), rowCount: 8, unparsableCount: 0 };
        return { ...made(), ...judged, endpoint: refTo('endpoint'), usage };
      },
      keepEvaluations: async ({ run: { plan } }) => {
        await this.#note(`keepEvaluations ${plan.runName}`);
        return { evaluated: refTo(`results of ${plan.runName}`) };
      },
      // Not noted: it is beside the runs, at no certain time.
      pixelBaselines: () => Promise.resolve({ baselines: refTo('baselines') }),
      report: async ({ runs }) => {
        await this.#note(`report ${String(runs.length)}`);
        return { report: refTo('report'), index: refTo('index') };
      },
    };
  }

  get compute(): Omit<ComputeActivities, 'judgeRows'> {
    return {
      importPolicy: async ({ from }) => {
        await this.#note(from ? `importPolicy from ${from.uri.split('/').at(-1) ?? ''}` : 'importPolicy');
        const name = from ? `from ${from.uri.split('/').at(-1) ?? ''}` : 'base';
        return { ...made(), policy: { snapshot: refTo(name), log: [] }, checkpoint: refTo(`${name} checkpoint`) };
      },
      admit: ({ dataset }) =>
        Promise.resolve({ ...made(), dataset, exampleCount: 8, quarantinedCount: 0, inadmissibleCount: 0 }),
      findRun: async ({ arm, seed }) => {
        await this.beforeFinding();
        return this.keptRuns?.get(`${arm}/s${String(seed)}`) ?? null;
      },
      keepRun: ({ arm, seed, outcome }) => {
        const manifest = refTo('kept run');
        this.keptRuns?.set(`${arm}/s${String(seed)}`, { ...outcome, manifest });
        return Promise.resolve({ manifest });
      },
      rollout: (input) => this.#rollout(input),
      optimize: (input) => this.#optimize(input),
      step: async ({ plan, step, policy, reference, isTimed, ...run }) => {
        const shard = { index: 0, count: 1 };
        const rollout = await this.#rollout({ ...run, plan, step, policy, shard });
        const reward = await this.#reward({ ...run, step, rollouts: [rollout.rollouts] });
        const kl = reference && { reference };
        const update = await this.#optimize({ ...run, plan, fromStep: step, toStep: step + 1, policy, ...kl });
        return { rollout, reward, update, ...this.#held(), ...(isTimed && { endedAtMs: this.endedAtMs() }) };
      },
      snapshot: async ({ policy, step }: SnapshotInput) => {
        await this.#note(`snapshot ${String(step)} of ${String(policy.log.length)}`);
        const name = `snapshot ${String(step)}`;
        const refs = { snapshot: refTo(name), checkpoint: refTo(`${name} checkpoint`) };
        return { ...made(), ...refs, ...this.#held(), byteLength: 1_000 };
      },
      averageSnapshots: async ({ policy, count }: AverageSnapshotsInput) => {
        await this.#note(`mean of ${String(count)} up to ${policy.snapshot.uri.split('/').at(-1) ?? ''}`);
        return { ...made(), snapshot: refTo('mean'), checkpoint: refTo('mean checkpoint') };
      },
      evaluate: async (input) => {
        const { task, split, arm, policy, isValidation } = input;
        await this.#note(isValidation ? `validate ${arm} on ${task} ${split}` : `evaluate ${arm} on ${task}`);
        const macroF1 = this.scoreOf(input);
        const scores = { ...scoresOf(task), ...(macroF1 !== undefined && { macroF1 }) };
        return { ...made(), judgments: refTo(`judgments ${policy.snapshot.uri}`), scores };
      },
    };
  }

  async #rollout({ step, shard, round }: RolloutInput): Promise<RolloutResult> {
    const again = round === undefined ? '' : ` again ${String(round)}`;
    const part = `${String(step)} ${String(shard.index + 1)}/${String(shard.count)}${again}`;
    await this.#note(`rollout ${part}`);
    return { ...made(), rollouts: refTo(`rollouts ${part}`), rolloutCount: 4, tokenCount: 16, entropyMean: 1 };
  }

  async #reward({ step, rollouts }: RewardInput): Promise<RewardResult> {
    await this.#note(`reward ${String(step)} of ${String(rollouts.length)}`);
    const means = { rewardMean: 0.5, accuracyMean: 0.5, formatRate: 1, informativeGroupRate: 1 };
    const counts = { groupCount: 2 * rollouts.length, informativeGroupCount: rollouts.length };
    return { ...made(), rewards: refTo(`rewards ${String(step)}`), ...means, ...counts, byTask: [] };
  }

  async #optimize(input: OptimizeInput): Promise<OptimizeResult> {
    const { arm, fromStep, toStep, stepCount, policy, reference, rewindCount, isTimed } = input;
    const steps = `${String(fromStep)}-${String(toStep)}`;
    const of = stepCount === undefined ? '' : ` of ${String(stepCount)}`;
    const kl = reference ? ' with reference' : '';
    const drawn = rewindCount === undefined ? '' : `, draw ${String(rewindCount)}`;
    await this.#note(`optimize ${arm} ${steps}${of} after ${String(policy.log.length)}${kl}${drawn}`);
    const bad = this.badOf(input);
    return {
      ...made(),
      record: refTo(`record ${steps}`),
      ...{ loss: 1 / (toStep + 1), gradientNorm: 1, learningRate: 1e-4, logProbDifferenceMax: 0 },
      ...{ tokenCount: 16, droppedGroupCount: 0, weightsDigest: sha256(steps) },
      ...(bad && { bad }),
      ...this.#held(),
      ...(isTimed && { endedAtMs: this.endedAtMs() }),
    };
  }

  #held(): Held {
    return this.heldBy === undefined ? {} : { heldBy: this.heldBy };
  }

  async #note(call: string): Promise<void> {
    this.calls.push(call);
    await this.before(call);
  }
}

function scoresOf(task: string): EvaluateResult['scores'] {
  const rates = { accuracy: 0.5, majorityMacroF1: 0.4, unparsableRate: 0, truncatedRate: 0 };
  const ood = task === 'unseen';
  return { task, split: 'test', ood, exampleCount: 8, macroF1: ood ? 0.25 : 0.75, ci95: [0.1, 0.9], ...rates };
}
