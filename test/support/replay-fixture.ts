/** Updates of a tiny model, and the weights that PyTorch makes of them: fixtures/replay, written by its generate.ts. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { projectRoot } from '../../core/project.ts';
import { required } from '../../core/assert.ts';
import type { ReadyStep } from '../../pipeline/training/apply-update.ts';
import type { AlgorithmName } from '../../policy/algorithms/table.ts';
import type { TokenRoles, TrainableSpec } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { readConfig, readWeights } from '../../policy/engines/embedded/weights.ts';

export const replayFolder = join(projectRoot, 'test/fixtures/replay');
/** The model of all cases. It has no biases: that of keys has no gradient but rounding, which AdamW would magnify. */
export const replayModel = join(projectRoot, 'test/fixtures/text-models/qwen3');
export const replayTokens: TokenRoles = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [3] };

/** What each case trains, and how. */
export const replayCases = {
  'all weights': { trainable: {}, algorithm: 'grpo', stepCount: 6 },
  LoRA: {
    trainable: { lora: { rank: 4, alpha: 8, modules: ['q_proj', 'v_proj', 'gate_proj', 'down_proj'], seed: 3 } },
    ...{ algorithm: 'grpo', stepCount: 6 },
  },
  // Two prompts, each an update of its own, twice over: four updates a step.
  'grpo, 4 updates a step': { ...{ trainable: {}, algorithm: 'grpo', stepCount: 3 }, epochCount: 2 },
  'gspo, 4 updates a step': { ...{ trainable: {}, algorithm: 'gspo', stepCount: 3 }, epochCount: 2 },
  'cispo, 4 updates a step': { ...{ trainable: {}, algorithm: 'cispo', stepCount: 3 }, epochCount: 2 },
} as const satisfies Readonly<Record<string, ReplaySpec>>;
export type ReplayCase = keyof typeof replayCases;

export interface ReplaySpec {
  readonly trainable: TrainableSpec;
  readonly algorithm: AlgorithmName;
  readonly stepCount: number;
  /** Passes of a step, of one update a prompt. Absent: the step is one update. */
  readonly epochCount?: number;
}

/** An update as it was made. */
export interface ReplayedUpdate extends ReadyStep {
  /** Whether its rollouts are of the policy that it updates. */
  readonly isFirst: boolean;
  /** Share of clipped ratios. */
  readonly clippedShare: number;
}

export const replayAdam = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  gradientNormMax: 1,
};

export const fileNames = (name: ReplayCase): { steps: string; weights: string } => {
  const stem = name.replaceAll(/[^a-zA-Z0-9]+/g, '-').toLowerCase();
  return { steps: join(replayFolder, `${stem}.json`), weights: join(replayFolder, `${stem}.safetensors`) };
};

export interface ReplayedCase {
  /** L2 norms: of the difference between the engine's and torch's weights, relative to torch's whole change. */
  readonly relativeDifference: number;
  readonly updateCount: number;
  /** Between the log-probs of the rollouts, which the engine sampled, and those of each step's first update. */
  readonly logProbDifferenceMax: number;
  /** Mean over the updates. */
  readonly clippedShare: number;
}

/** The engine makes the updates of a case. */
export async function replayCase(name: ReplayCase): Promise<ReplayedCase> {
  const files = fileNames(name);
  const steps = JSON.parse(await readFile(files.steps, 'utf8')) as ReplayedUpdate[];
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-replay-'));
  const engine = new EmbeddedEngine({ threadCount: 1 });
  try {
    await engine.loadCheckpoint(replayModel);
    await engine.prepareTraining(replayCases[name].trainable);
    let logProbDifferenceMax = 0;
    for (const { groups, loss, temperature, learningRate, isFirst } of steps) {
      const { logProbs } = await engine.forwardBackward({ groups, loss, temperature, tokens: replayTokens });
      await engine.optimStep({ learningRate, ...replayAdam });
      if (!isFirst) continue;
      const recorded = groups.flatMap(({ completions }) => completions.flatMap((each) => each.logProbs ?? []));
      logProbs.flat(2).forEach((value, i) => {
        logProbDifferenceMax = Math.max(logProbDifferenceMax, Math.abs(value - (recorded[i] ?? Number.NaN)));
      });
    }
    await engine.saveState(folder);
    const { architecture } = await readConfig(folder);
    const read = (path: string) => readWeights(path, architecture.parameterSpecs);
    const [start, ours] = await Promise.all([read(replayModel), read(folder)]);
    const { tensors: theirs } = decodeSafetensors(await readFile(files.weights));
    let [change, difference] = [0, 0];
    for (const [weight, values] of ours) {
      const [before, torch] = [required(start.get(weight), weight), readFloat32(required(theirs.get(weight), weight))];
      values.forEach((value, i) => {
        change += ((torch[i] ?? Number.NaN) - (before[i] ?? Number.NaN)) ** 2;
        difference += (value - (torch[i] ?? Number.NaN)) ** 2;
      });
    }
    const clippedShare = steps.reduce((sum, step) => sum + step.clippedShare, 0) / steps.length;
    const relativeDifference = Math.sqrt(difference / change);
    return { relativeDifference, updateCount: steps.length, logProbDifferenceMax, clippedShare };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true });
  }
}
