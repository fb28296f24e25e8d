/** The worked examples of docs/labelling-tools.md: every block is written to a file, and ingested. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContentPart } from '../../core/chat-message.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { blocksOf } from '../support/page-blocks.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-tools-'));
const blocks = blocksOf('docs/labelling-tools.md');

beforeAll(async () => {
  for (const [path, text] of blocks) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const tool of ['label-studio', 'mturk', 'llava']) {
    mkdirSync(join(folder, tool, 'pictures'));
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      const picture = sharp({ create: { width: 8, height: 8 + i, channels: 3, background: 'teal' } });
      await picture.toFile(join(folder, tool, 'pictures', `${name}.png`));
    }
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const textOf = (part: ContentPart): string => (part.type === 'text' ? part.text : '<image>');

/** Each example's label and prompt, and each other row's code. */
async function ingested(tool: string) {
  const { parsed } = loadRecipeFile(join(folder, tool, 'recipe.yaml'), []);
  const { examples, quarantined, leftOut } = await ingestDatasets(parsed, { image: () => undefined });
  const [spec] = Object.values(parsed.tasks);
  if (spec === undefined) throw new Error('no task');
  const prompts = examples.map((example) => {
    const [message] = renderPrompt(spec, example, 'direct', { think: '', direct: '' });
    return [example.label, (message?.content ?? []).map(textOf).join(' ')];
  });
  return { prompts, reasons: [...quarantined, ...leftOut].map(({ code, reason }) => `${code} ${reason}`) };
}

describe('exports as they come', () => {
  test('Label Studio', async () => {
    expect(await ingested('label-studio')).toEqual({
      prompts: [
        ['yes', '<image> Does this caption fit? a dog'],
        ['no', '<image> Does this caption fit? a cat'],
      ],
      reasons: [
        'LEFT_OUT annotations.0.was_cancelled is true',
        'LEFT_OUT annotations.0.result.0.value.choices.0 is Cannot tell',
        'LEFT_OUT annotations.0 is absent',
      ],
    });
  });

  test('Argilla', async () => {
    expect(await ingested('argilla')).toEqual({
      prompts: [
        ['5', 'How helpful is this answer? Name a colour. Green.'],
        ['1', 'How helpful is this answer? Name a river. Green.'],
      ],
      reasons: ['LEFT_OUT helpful.responses.status.0 is discarded', 'LEFT_OUT helpful.responses.status.0 is absent'],
    });
  });

  test('Prodigy', async () => {
    expect(await ingested('prodigy')).toEqual({
      prompts: [
        ['yes', '<image> Does this caption fit? a pond'],
        ['no', '<image> Does this caption fit? a fire'],
      ],
      reasons: ['LEFT_OUT answer is ignore'],
    });
  });

  test('Doccano', async () => {
    expect(await ingested('doccano')).toEqual({
      prompts: [
        ['friendly', 'Is this friendly or rude? Thank you so much!'],
        ['rude', 'Is this friendly or rude? Go away.'],
      ],
      reasons: ['LEFT_OUT label.0 is absent'],
    });
  });

  test('Mechanical Turk', async () => {
    const question = 'Does the picture look natural? Its title is';
    expect(await ingested('mturk')).toEqual({
      prompts: [
        ['yes', `<image> ${question} a dog, asleep.`],
        ['no', `<image> ${question} a cat.`],
      ],
      reasons: ['LEFT_OUT AssignmentStatus is Rejected', 'LEFT_OUT WorkTimeInSeconds is 2'],
    });
  });

  test('Google Forms', async () => {
    expect(await ingested('google-forms')).toEqual({
      prompts: [
        ['yes', 'Is this text clear? Cut the wood, then sand it.'],
        ['no', 'Is this text clear? Sand it it, cut.'],
      ],
      reasons: ['LEFT_OUT Is the text clear? is '],
    });
  });

  test('LLaVA, with the picture where the row has its mark', async () => {
    expect(await ingested('llava')).toEqual({
      prompts: [
        ['yes', '<image> Is there a dog?'],
        ['no', 'Is there a dog? <image>'],
      ],
      reasons: [],
    });
  });

  test('OpenAI, with parts in any order', async () => {
    expect(await ingested('openai')).toEqual({
      prompts: [
        ['yes', 'Is there water? <image>'],
        ['no', '<image> Is there fire?'],
      ],
      reasons: [],
    });
  });

  test('TRL', async () => {
    const { prompts, reasons } = await ingested('trl');
    const better = { first: 'First:', second: 'Second:' };
    expect(reasons).toEqual([]);
    for (const [i, answer] of ['Green.', 'The Po.'].entries()) {
      const [label, prompt] = prompts[i] ?? [];
      expect(prompt).toContain(`${better[label as 'first']} ${answer}`);
    }
  });
});

test('every block is used: a tool has a recipe and one file of rows', () => {
  const tools = [...blocks.keys()].map((path) => dirname(path));
  expect(new Set(tools).size).toBe(9);
  expect(tools).toHaveLength(18);
});
