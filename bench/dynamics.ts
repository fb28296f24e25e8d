/**
 * `npm run bench -- dynamics [--peer]`: GRPO on words and their labels from the same supervised start, with LoRA and with
 * all weights, three seeds each; with --peer also by TRL, on the same rows in the same order. Prints each step's
 * reward and the held-out scores, all of which our own judge measures, and draws docs/figures/dynamics.svg.
 */
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { required } from '../core/assert.ts';
import { stackHome } from '../infra/stack/settings.ts';
import { openForm } from '../policy/checkpoints/form.ts';
import { type Panel, drawDynamics, dynamicsTable } from './dynamics-page.ts';
import type { BenchOptions } from './main.ts';
import { runPeer } from './python-peer.ts';
import { prepareRealText } from './real-text-data.ts';
import {
  type HeldOut,
  type Row,
  TextJudge,
  type Training,
  formatWeight,
  labels,
  batchOf,
  lora,
  rowsIn,
} from './text-judge.ts';

const figure = fileURLToPath(new URL('../docs/figures/dynamics.svg', import.meta.url));
const adam = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 };
/** Of the same rows for all; 32 rollouts a step, for TRL's sake: on two cores it takes about a second for each. */
const batch = { promptCount: 8, groupSize: 4, completionTokenCount: 12 };
const formatStepCount = 5;
const heldOutCount = 200;

/** What is trained in reinforcement learning, and how fast. */
const kinds = {
  lora: { stepCount: 15, warmupStepCount: 2, learningRate: 1e-4 },
  'all weights': { stepCount: 15, warmupStepCount: 3, learningRate: 3e-6 },
} as const;
type Kind = keyof typeof kinds;
const seeds = [0, 1, 2];

interface Trained extends HeldOut {
  readonly rewards: readonly number[];
}

export async function bench(log: (line: string) => void, { withPeers }: BenchOptions) {
  const data = join(stackHome(), 'real-text');
  await prepareRealText(data, log);
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-dynamics-'));
  try {
    const [train, test] = await Promise.all(
      ['train', 'test'].map((split) => rowsIn(join(data, `polarity.${split}.jsonl`))),
    );
    const rows = { train: required(train, 'train'), test: spread(required(test, 'test'), heldOutCount) };
    const start = await startOf(join(data, 'model.gguf'), folder, rows.train);
    const scored = await scoreOf(start, start, rows.test);
    log(`start: Macro-F1 ${(100 * scored.macroF1).toFixed(1)}`);
    const runs: Record<string, Record<string, Trained>> = {};
    for (const kind of Object.keys(kinds) as Kind[]) {
      for (const seed of seeds) {
        const sides = { ours, ...(withPeers && { trl }) };
        for (const [side, train] of Object.entries(sides)) {
          const name = `${kind}, seed ${String(seed)}, ${side}`;
          const out = join(folder, name.replaceAll(/[ ,]+/g, '-'));
          const rewards = await train(start, out, rows.train, kind, seed, (reward, step) => {
            log(`${name}: step ${String(step)}, reward ${reward.toFixed(2)}`);
          });
          const found = await scoreOf(out, start, rows.test);
          log(`${name}: Macro-F1 ${(100 * found.macroF1).toFixed(1)}`);
          runs[side] = { ...runs[side], [`${kind}/s${String(seed)}`]: { ...found, rewards } };
        }
      }
    }
    const panels = panelsOf(runs);
    await writeFile(figure, drawDynamics(panels));
    log(`written: ${figure}`);
    process.stderr.write(`${dynamicsTable(panels)}\n`);
    return { batch, kinds, start: scored, runs };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs by side and then by kind and seed, as panels by kind. */
function panelsOf(runs: Readonly<Record<string, Readonly<Record<string, Trained>>>>): Panel[] {
  return Object.keys(kinds).map((kind) => ({
    kind,
    sides: Object.entries(runs).map(([side, trained]) => ({
      name: side === 'trl' ? 'TRL' : 'mt-rl-judge',
      runs: seeds.map((seed) => ({ seed, ...required(trained[`${kind}/s${String(seed)}`], 'a run of every seed') })),
    })),
  }));
}

/** So many of the rows, evenly spaced: the tables are in alphabetical order. */
function spread<T>(rows: readonly T[], count: number): T[] {
  return rows.filter((_, i) => Math.floor((i * count) / rows.length) !== Math.floor(((i - 1) * count) / rows.length));
}

type Train = (
  start: string,
  out: string,
  rows: readonly Row[],
  kind: Kind,
  seed: number,
  onStep: (reward: number, step: number) => void,
) => Promise<readonly number[]>;

const ours: Train = async (start, out, rows, kind, seed, onStep) => {
  const judge = await TextJudge.open(start);
  let step = 0;
  const rewards = await judge.reinforce(rows, trainingOf(kind, seed), (reward) => {
    onStep(reward, step++);
  });
  await judge.save(out);
  await judge.close();
  return rewards;
};

const trl: Train = async (start, out, rows, kind, seed, onStep) => {
  const file = `${out}.json`;
  // The same rows in the same order as ours.
  const shown = Array.from({ length: kinds[kind].stepCount }, (_, step) =>
    batchOf(rows, batch.promptCount, seed, step),
  );
  const work = { ...batch, ...kinds[kind], folder: start, out, rows: shown.flat(), labels, seed, adam, formatWeight };
  await writeFile(file, JSON.stringify({ ...work, lora: kind === 'lora' ? lora : null }));
  const rewards: number[] = [];
  await runPeer('trl_dynamics.py', file, (value) => {
    const { step, reward } = value as { step: number; reward: number };
    rewards.push(reward);
    onStep(reward, step);
  });
  return rewards;
};

/** The model after a few supervised steps, as a folder that both sides open. */
async function startOf(gguf: string, folder: string, rows: readonly Row[]): Promise<string> {
  const [base, start] = [join(folder, 'base'), join(folder, 'start')];
  await mkdir(base);
  await required(await openForm(gguf), 'a GGUF file').writeFolder(base);
  const judge = await TextJudge.open(base);
  const optimizer = { ...adam, learningRate: 5e-4 };
  const trainable = { lora: { ...lora, seed: 0 } };
  await judge.learnFormat(rows, {
    ...batch,
    seed: 0,
    stepCount: formatStepCount,
    promptCount: 32,
    warmupStepCount: 2,
    optimizer,
    trainable,
  });
  await judge.save(start);
  await judge.close();
  for (const name of await readdir(base))
    if (/token|chat/.test(name)) await copyFile(join(base, name), join(start, name));
  return start;
}

async function scoreOf(folder: string, tokenizer: string, rows: readonly Row[]): Promise<HeldOut> {
  const judge = await TextJudge.open(folder, tokenizer);
  const found = await judge.heldOut(rows, batch.completionTokenCount);
  await judge.close();
  return found;
}

function trainingOf(kind: Kind, seed: number): Training {
  const { learningRate, ...steps } = kinds[kind];
  const trainable = kind === 'lora' ? { lora: { ...lora, seed } } : {};
  return { ...batch, ...steps, seed, optimizer: { ...adam, learningRate }, trainable };
}
