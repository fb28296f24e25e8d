/** Makes a run's updates again in PyTorch (bench/peers/replay.py), which knows nothing of this project's engine. */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import type { PixelValues, Prompt, TrainableSpec } from '../../policy/engine.ts';
import { usesReference } from '../../policy/losses/table.ts';
import type { AdamSpec } from '../../pipeline/policies/step-record.ts';
import type { ReadyStep } from '../../pipeline/training/apply-update.ts';
import { runPeer } from '../python-peer.ts';

export interface ReplayWork {
  /** Checkpoint folder of the first weights. */
  readonly start: string;
  /** Checkpoint folder of the weights to compare with. */
  readonly final?: string;
  /** File for the resulting weights, safetensors. */
  readonly out?: string;
  readonly trainable: TrainableSpec;
  readonly adam: AdamSpec;
  readonly bannedTokenIds: readonly number[];
  /** Read one at a time. */
  readonly steps: Iterable<ReadyStep> | AsyncIterable<ReadyStep>;
}

/** What torch found at a step. */
export interface TorchStep {
  readonly step: number;
  readonly gradientNorm: number;
  /** Between the recorded log-probs of the rollouts and torch's, nats; 0 without rollouts. */
  readonly logProbDifferenceMax: number;
}

export interface TorchReplay {
  readonly steps: readonly TorchStep[];
  /** L2 norm of the whole change of the weights, and of the difference between both final weights relative to it. */
  readonly weights?: { readonly change: number; readonly relativeDifference: number };
}

/**
 * @param folder empty; takes the files that both sides need
 * @throws USAGE for what replay.py does not compute: a reference policy (KL term, DPO), log-probs over kept tokens, Muon,
 *   frozen parts
 */
export async function torchReplay(
  folder: string,
  work: ReplayWork,
  onStep: (step: TorchStep) => void = () => undefined,
): Promise<TorchReplay> {
  const { adam, trainable, bannedTokenIds, start, final = null, out = null } = work;
  if ((trainable.freeze ?? []).length > 0) throw uncomputed('frozen parts');
  if (adam.muon !== undefined) throw uncomputed('Muon');
  const file = join(folder, 'work.json');
  const pixels = new Map<string, PixelValues>();
  const steps = join(folder, 'steps.jsonl');
  await writeFile(steps, stepLines(work.steps, pixels));
  const adapter = trainable.lora ? await newAdapter(start, trainable, folder) : null;
  const written = pixels.size === 0 ? null : await writePixels(pixels, join(folder, 'pixels.safetensors'));
  await writeFile(file, JSON.stringify({ start, final, out, adapter, pixels: written, adam, bannedTokenIds, steps }));
  const found: TorchStep[] = [];
  let weights: TorchReplay['weights'];
  await runPeer('replay.py', file, (value) => {
    const told = value as TorchStep | Required<TorchReplay>['weights'];
    if ('change' in told) weights = told;
    else {
      found.push(told);
      onStep(told);
    }
  });
  return { steps: found, ...(weights && { weights }) };
}

const uncomputed = (found: string): MtrlError =>
  new MtrlError('USAGE', `replay.py does not compute ${found}`, { found });

async function* stepLines(steps: ReplayWork['steps'], pixels: Map<string, PixelValues>): AsyncGenerator<string> {
  for await (const step of steps) {
    if (usesReference(step.loss)) throw uncomputed('log-probs of a reference policy');
    if (step.groups.some(({ completions }) => completions.some(({ keptTokenIds }) => keptTokenIds)))
      throw uncomputed('log-probs over kept tokens');
    yield `${JSON.stringify(await plainStep(step, pixels))}\n`;
  }
}

/** A step as JSON; the pixels of its prompts are added to `pixels` by digest. */
async function plainStep(step: ReadyStep, pixels: Map<string, PixelValues>) {
  const groups = [];
  for (const { prompt, completions } of step.groups) {
    const images = (await pixelsOf(prompt)).map((image) => {
      const digest = digestOf([image.height, image.width, [...image.data]]);
      pixels.set(digest, image);
      return digest;
    });
    groups.push({ prompt: { tokenIds: prompt.tokenIds, images }, completions });
  }
  return { ...step, groups };
}

async function pixelsOf(prompt: Prompt): Promise<readonly PixelValues[]> {
  return 'pixels' in prompt ? prompt.pixels() : prompt.images;
}

async function writePixels(pixels: ReadonlyMap<string, PixelValues>, file: string): Promise<string> {
  const tensors = [...pixels].map(([digest, { height, width, data }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return [digest, { dtype: 'F32', shape: [3, height, width], data: bytes }] as const;
  });
  await writeFile(file, encodeSafetensors(new Map(tensors)));
  return file;
}

/** Folder of the adapters that training starts from, as the engine initializes them, in PEFT's layout. */
async function newAdapter(start: string, trainable: TrainableSpec, folder: string): Promise<string> {
  const [state, adapter] = [join(folder, 'state'), join(folder, 'adapter')];
  await Promise.all([state, adapter].map((path) => mkdir(path)));
  const engine = new EmbeddedEngine({ threadCount: 1 });
  try {
    await engine.loadCheckpoint(start);
    await engine.prepareTraining(trainable);
    await engine.saveState(state);
  } finally {
    await engine.close();
  }
  for (const name of await readdir(state)) {
    const [, peftName] = /^optimizer-(adapter_.*)$/.exec(name) ?? [];
    if (peftName !== undefined) await cp(join(state, name), join(adapter, peftName));
  }
  return adapter;
}
