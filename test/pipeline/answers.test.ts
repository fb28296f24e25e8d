/** Answers and label probabilities of the demo's base on its own world, with the embedded engine. */
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answers } from '../../pipeline/asking/answers.ts';
import type { Shown } from '../../pipeline/asking/shown.ts';
import { type TokenAsking, tokenQuestions } from '../../pipeline/asking/token-asker.ts';
import { Waits } from '../../pipeline/heartbeat.ts';
import { type PromptSeries, promptSeries } from '../../pipeline/asking/prompts/prompt-series.ts';
import { endedBy } from '../../pipeline/training/sampling.ts';
import { required } from '../../core/assert.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import { generateWorldExamples } from '../../judge/worlds/generate.ts';
import { pictureSize } from '../../judge/worlds/render.ts';
import type { EncodedPrompt, Sampling } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import type { JudgeWorldSpec } from '../../recipes/recipe.ts';

const task = 'technical';
const { parsed: recipe } = loadRecipeFile('recipes/demo.yaml', []);
const spec = required(recipe.tasks[task], task);
const engine = new EmbeddedEngine({ threadCount: 1 });
const processor = await loadProcessor('recipes/demo-base');
const shown: Shown[] = [];
let prompts: PromptSeries;
let asking: TokenAsking;

beforeAll(async () => {
  await engine.loadCheckpoint('recipes/demo-base');
  const encoded: EncodedPrompt[] = [];
  const annotator = { hardErrorRate: 0, easyErrorRate: 0, flipRate: 0 };
  const world: JudgeWorldSpec = {
    reader: 'judge-world',
    tasks: [task],
    split: 'test',
    exampleCount: 6,
    seed: 3,
    annotator,
  };
  for (const { example, pixels } of generateWorldExamples(world)) {
    const raw = { width: pictureSize, height: pictureSize, channels: 3 } as const;
    const images = await Promise.all(pixels.map((each) => sharp(each, { raw }).png().toBuffer()));
    const whole = { ...example, images: images.map((_, i) => String(i)) };
    shown.push({ example: whole, exampleIndex: shown.length, order: 0 });
    encoded.push(await processor.encodePrompt(renderPrompt(spec, whole, 'think', recipe.modeWords), images));
  }
  prompts = await promptSeries(encoded, (prompt) => Promise.resolve(prompt));
  const { stopTokenId, padTokenId, bannedTokenIds } = processor;
  asking = {
    // Only the used parts of both.
    held: { engine, waits: new Waits() },
    prompted: {
      tokens: { stopTokenId, padTokenId, bannedTokenIds },
      completion: (text: string) => processor.encodeCompletion(text),
      decode: (tokenIds: readonly number[]) => processor.decodeCompletion(tokenIds),
    } as unknown as TokenAsking['prompted'],
    ...{ evaluation: recipe.evaluation, ending: {}, spec },
  };
});
afterAll(() => engine.close());

const questions = (asked = asking) =>
  tokenQuestions(
    asked,
    prompts,
    shown.map(({ example }) => example),
    'think',
  );
const answersTo = (asked: TokenAsking, sampling: Sampling, sampleCount: number) =>
  answers({ spec, mode: 'think' }, shown, questions(asked), sampling, sampleCount);

const greedy = { temperature: 1, greedy: true, tokenCountMax: 20 };

test("ends an answer with the recipe's stop sequence and parses it as before", async () => {
  const usual = (await answersTo(asking, greedy, 1)).flat();
  expect(usual.filter(({ judgment }) => judgment.ok).length).toBeGreaterThan(3);
  const closed = { ...asking, ending: endedBy({ stopSequences: ['</answer>'] }, asking.prompted) };
  expect((await answersTo(closed, greedy, 1)).flat()).toEqual(usual);
  // Without its closing tag, no answer can be parsed.
  const cut = { ...asking, ending: endedBy({ stopSequences: ['<answer>'] }, asking.prompted) };
  const short = (await answersTo(cut, greedy, 1)).flat();
  expect(short.map(({ text, finishReason }) => [text.endsWith('<answer>'), finishReason])).toEqual(
    shown.map(() => [true, 'stop']),
  );
  expect(short.some(({ judgment }) => judgment.ok)).toBe(false);
});

test('the likeliest label equals the greedy verdict after the same rationale', async () => {
  const judgments = (await answersTo(asking, greedy, 1)).flat().map(({ judgment }) => judgment);
  const probabilities = required(await questions().labelProbabilities?.(judgments), 'probabilities');
  judgments.forEach((judgment, i) => {
    const each = required(probabilities[i], 'probabilities');
    expect(each.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    if (judgment.ok) expect(spec.labels[each.indexOf(Math.max(...each))]).toBe(judgment.verdict);
  });
});

test("label probabilities respect the recipe's memory ceiling and agree with unlimited ones to rounding", async () => {
  const judgments = (await answersTo(asking, greedy, 1)).flat().map(({ judgment }) => judgment);
  const under = (byteLengthMax: number) =>
    required(questions({ ...asking, memory: { byteLengthMax } }).labelProbabilities, 'probabilities')(judgments);
  await expect(under(301e6)).rejects.toMatchObject({ code: 'MEMORY_EXCEEDED' });
  const free = required(await questions().labelProbabilities?.(judgments), 'probabilities');
  const difference = (await under(340e6)).flat().map((value, i) => Math.abs(value - (free.flat()[i] ?? NaN)));
  expect(Math.max(...difference)).toBeLessThan(1e-5);
});

test('several samples have the log-prob of the whole answer, a strict answer has none', async () => {
  const sampling = { temperature: 1, greedy: false, tokenCountMax: 20, topK: 5, topP: 0.9 };
  const samples = (await answersTo(asking, sampling, 3)).flat();
  expect(samples.length).toBe(3 * shown.length);
  expect(samples.filter(({ logProb }) => logProb === undefined || logProb > 0)).toEqual([]);
  expect((await answersTo(asking, greedy, 1)).flat().some((each) => 'logProb' in each)).toBe(false);
});
