/**
 * Measures the cost of rollout rows that end early, and an upper bound on what dropping them between segments of the
 * decoding loop could save, from the processor time of a decoding step per row count and the rows still active at each
 * step for real lengths.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Rng } from '../core/rng.ts';
import { renderPrompt } from '../judge/tasks/prompt.ts';
import { generateWorldExamples } from '../judge/worlds/generate.ts';
import { pictureSize } from '../judge/worlds/render.ts';
import type { EncodedPrompt, TokenRoles } from '../policy/engine.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { loadProcessor } from '../policy/processor.ts';
import { loadRecipeFile } from '../recipes/load.ts';
import { promptOf, usualWork } from './our-step.ts';
import { shapes, tokenIds, writeConfig } from './shapes.ts';
import { median, rounded } from './statistics.ts';

const roundCount = 5;
const { groupSize } = usualWork;
const groupSizes = [1, 2, 4, 6, groupSize];
const segmentStepCounts = [4, 8];

interface Shape {
  readonly engine: EmbeddedEngine;
  readonly prompts: readonly EncodedPrompt[];
  readonly tokens: TokenRoles;
  readonly tokenCountMax: number;
  /** Token count of every completion. */
  readonly lengths: readonly number[];
}

export async function bench(log: (line: string) => void) {
  return { demo: await measure(await demoShape(), log), small: await measure(await smallShape(), log) };
}

async function measure(shape: Shape, log: (line: string) => void) {
  const { engine, prompts, lengths, tokenCountMax } = shape;
  const stepMs = new Map<number, number>();
  let prefillMs = 0;
  for (const size of groupSizes) {
    // No token is the stop token: every row runs to the maximum length.
    const short = await cpuMs(() => sample(shape, size, 2));
    const long = await cpuMs(() => sample(shape, size, tokenCountMax));
    const perStep = (long - short) / (tokenCountMax - 2);
    stepMs.set(size * prompts.length, perStep);
    prefillMs = short - 2 * perStep;
    log(`${String(size * prompts.length)} rows: ${perStep.toFixed(2)} ms a step, ${prefillMs.toFixed(0)} ms before`);
  }
  await engine.close();
  const stepCount = Math.max(...lengths);
  const wholeMs = prefillMs + stepCount * stepOf(stepMs, lengths.length);
  const savedShare = (segment: number, rowsAt: (step: number) => number): number => {
    const steps = Array.from({ length: stepCount }, (_, step) => step - (step % segment));
    return rounded(1 - (prefillMs + steps.reduce((sum, from) => sum + stepOf(stepMs, rowsAt(from)), 0)) / wholeMs);
  };
  return {
    rowCount: lengths.length,
    meanTokenCount: rounded(lengths.reduce((a, b) => a + b, 0) / lengths.length),
    stepCount,
    prefillMs: rounded(prefillMs),
    rolloutMs: rounded(wholeMs),
    stepMsByRowCount: Object.fromEntries([...stepMs].map(([rows, ms]) => [rows, rounded(ms)])),
    // The cost of copying caches between segments is not included.
    savedShareAtMost: Object.fromEntries(
      segmentStepCounts.map((segment) => [
        `every ${String(segment)} steps`,
        {
          // Rows are dropped one by one: each row then needs its own copy of the prompt's keys and values.
          rows: savedShare(segment, (step) => lengths.filter((length) => length > step).length),
          // Every prompt keeps as many rows as the prompt with the most active rows: keys and values stay shared.
          groups: savedShare(segment, (step) => prompts.length * busiest(lengths, step)),
        },
      ]),
    ),
  };
}

function busiest(lengths: readonly number[], step: number): number {
  const groups = Array.from({ length: lengths.length / groupSize }, (_, i) =>
    lengths.slice(i * groupSize, (i + 1) * groupSize),
  );
  return Math.max(...groups.map((group) => group.filter((length) => length > step).length));
}

/** Interpolates linearly between measured row counts. */
function stepOf(stepMs: ReadonlyMap<number, number>, rowCount: number): number {
  const points = [...stepMs].sort(([a], [b]) => a - b);
  const above = points.findIndex(([rows]) => rows >= rowCount);
  const [highRows, high] = points[above === -1 ? points.length - 1 : above] ?? [rowCount, 0];
  const [lowRows, low] = above <= 0 ? [0, high / 2] : (points[above - 1] ?? [0, 0]);
  return highRows === rowCount ? high : low + ((high - low) * (rowCount - lowRows)) / (highRows - lowRows);
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let round = 0; round < roundCount; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return median(times);
}

function sample(
  { engine, prompts, tokens }: Shape,
  size: number,
  tokenCountMax: number,
  stopTokenId = tokens.padTokenId,
) {
  return engine.sample({
    ...{ prompts, groupSize: size, seed: 0, step: 0, promptOffset: 0 },
    sampling: { temperature: 1, greedy: false, tokenCountMax },
    tokens: { ...tokens, stopTokenId },
    promptTokenCountMax: Math.max(...prompts.map((prompt) => prompt.tokenIds.length)),
  });
}

/** The demo's base on 16 of its training prompts, with lengths as the model samples them. */
async function demoShape(): Promise<Shape> {
  const root = fileURLToPath(new URL('../recipes', import.meta.url));
  const { parsed } = loadRecipeFile(join(root, 'demo.yaml'), []);
  const folder = join(root, 'demo-base');
  const processor = await loadProcessor(folder);
  const engine = new EmbeddedEngine({ threadCount: 1 });
  await engine.loadCheckpoint(folder);
  const world = parsed.datasets.find(({ reader }) => reader === 'judge-world');
  if (world?.reader !== 'judge-world') throw new Error('the demo reads the judge world');
  const examples = [...generateWorldExamples({ ...world, exampleCount: 3 })].slice(0, 16);
  const prompts = await Promise.all(
    examples.map(async ({ example, pixels }) => {
      const task = parsed.tasks[example.task];
      if (task === undefined) throw new Error(`no task ${example.task}`);
      const images = await Promise.all(pixels.map(png));
      const shown = { ...example, images: images.map((_, i) => String(i)) };
      return processor.encodePrompt(renderPrompt(task, shown, 'think', parsed.modeWords), images);
    }),
  );
  const { stopTokenId, padTokenId, bannedTokenIds } = processor;
  const tokens = { stopTokenId, padTokenId, bannedTokenIds };
  const shape: Shape = { engine, prompts, tokens, tokenCountMax: 20, lengths: [] };
  const { groups } = await sample(shape, groupSize, shape.tokenCountMax, stopTokenId);
  return { ...shape, lengths: groups.flat().map((completion) => completion.tokenIds.length) };
}

/** PNG bytes of one picture of the demo world. */
function png(pixels: Uint8Array): Promise<Buffer> {
  return sharp(pixels, { raw: { width: pictureSize, height: pictureSize, channels: 3 } })
    .png()
    .toBuffer();
}

/** The small Idefics3 of the peer benches, untrained; lengths are drawn uniformly from 7 to the maximum. */
async function smallShape(): Promise<Shape> {
  const { promptCount, completionTokenCount } = usualWork;
  const engine = new EmbeddedEngine({ threadCount: 1 });
  await engine.initialize(writeConfig(shapes.small), 0);
  const rng = new Rng('bench-early-ends');
  const prompts = Array.from({ length: promptCount }, () => promptOf(shapes.small, usualWork, rng));
  const lengths = Array.from({ length: promptCount * groupSize }, () => rng.integer(7, completionTokenCount + 1));
  const { stop: stopTokenId, pad: padTokenId, image } = tokenIds;
  const tokens = { stopTokenId, padTokenId, bannedTokenIds: [padTokenId, image] };
  return { engine, prompts, tokens, tokenCountMax: completionTokenCount, lengths };
}
