/** Candidates of rows: texts, pictures, or both; in columns, in a list, or by a pattern; two, or as many as a row has. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import type { Example } from '../../judge/example.ts';
import { candidatesOf, ruleFor } from '../../judge/tasks/candidates.ts';
import { imagesOfMessages, renderPrompt } from '../../judge/tasks/prompt.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import { ordersOf, otherOrders, verdictInRow } from '../../judge/tasks/reorder.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';

const prompt =
  '{{ question }}{% for candidate in candidates %} {{ labels[loop.index0] }}: {{ candidate }}{% endfor %} {{ mode_word }}';
const tasks: RecipeInput['tasks'] = {
  best: { kind: 'choice', labels: ['A', 'B', 'C', 'D'], prompt },
  // With a picture of the context.
  fitting: { kind: 'choice', labels: ['A', 'B', 'C', 'D'], prompt: `${prompt} <image>` },
  pair: { kind: 'pairwise', labels: ['first', 'second', 'tie'], prompt },
  told: { kind: 'choice', labels: ['A', 'B', 'C', 'D'], prompt: `Told: {{ told }} ${prompt} <image>` },
};
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-candidates-'));
  for (const background of ['red', 'green', 'blue'])
    await sharp({ create: { width: 8, height: 8, channels: 3, background } }).toFile(join(folder, `${background}.png`));
});

type Fields = Record<string, unknown>;

async function ingested(rows: readonly object[], fields: Fields, task = 'best', options: object = {}) {
  const path = join(folder, 'rows.jsonl');
  await writeFile(path, rows.map((row, i) => JSON.stringify({ id: String(i), ...row })).join('\n'));
  const dataset = { reader: 'jsonl', task, split: 'test', path, imageFolder: folder, fields, ...options };
  const recipe = parseRecipe({
    ...{ name: 'candidates', policy: { config: './demo-config', initSeed: 0 }, tasks: { [task]: tasks[task] } },
    ...{ datasets: [dataset], arms: { base: { objective: 'none', mode: 'direct' } }, quarantineRateMax: 1 },
  });
  const { examples, quarantined } = await ingestDatasets(recipe, { image: () => undefined });
  const spec = required(recipe.tasks[task], task);
  return { examples, quarantined, spec, modeWords: recipe.modeWords };
}

const question = { question: 'Which?' };
const asked = { prompt: ['question'], images: [] };
const textsOf = (example: Example) =>
  candidatesOf(example).map((parts) => parts.map((part) => ('text' in part ? part.text : part.image)));

describe('candidates come from', () => {
  test('a list of texts, as many as a row has', async () => {
    const { examples } = await ingested(
      [
        { ...question, answers: ['one', 'two'], best: 'B' },
        { ...question, answers: ['one', 'two', 'three'], best: 'C' },
      ],
      { ...asked, candidates: { list: 'answers' }, label: 'best' },
    );
    expect(examples.map(textsOf)).toEqual([
      [['one'], ['two']],
      [['one'], ['two'], ['three']],
    ]);
  });

  test('objects of a list, with an image before the text of each', async () => {
    const answers = [
      { said: 'a red one', picture: 'red.png' },
      { said: 'a blue one', picture: 'blue.png' },
    ];
    const { examples } = await ingested([{ ...question, answers, best: 'A' }], {
      ...{ prompt: ['question'], images: [], label: 'best' },
      candidates: { list: 'answers', text: 'said', image: 'picture' },
    });
    expect(examples.map(textsOf)).toEqual([
      [
        [0, 'a red one'],
        [1, 'a blue one'],
      ],
    ]);
    expect(examples[0]?.images).toHaveLength(2);
  });

  test('columns, named or by a pattern, in the order of their numbers', async () => {
    const row = { ...question, answer_2: 'two', answer_10: 'ten', answer_1: 'one', answer_3: null, best: 'C' };
    const byPattern = await ingested([row], { ...asked, candidates: { columns: 'answer_*' }, label: 'best' });
    expect(byPattern.examples.map(textsOf)).toEqual([[['one'], ['two'], ['ten']]]);
    const named = await ingested([row], {
      ...{ ...asked, label: 'best' },
      candidates: ['answer_10', [{ text: 'answer_1' }, { text: 'answer_2' }], 'question'],
    });
    expect(named.examples.map(textsOf)).toEqual([[['ten'], ['one', 'two'], ['Which?']]]);
  });

  test('the images themselves, where the dataset says no more', async () => {
    const { examples, spec, modeWords } = await ingested(
      [{ ...question, pictures: ['red.png', 'green.png', 'blue.png'], best: 'A' }],
      { prompt: ['question'], images: ['pictures'], label: 'best' },
    );
    const [example] = examples;
    expect(example).not.toHaveProperty('candidates');
    const [message] = renderPrompt(spec, required(example, 'an example'), 'direct', modeWords);
    expect(message?.content.map((part) => (part.type === 'text' ? part.text : part.image))).toEqual([
      ...['Which? A:', 0, 'B:', 1, 'C:', 2],
      modeWords.direct,
    ]);
  });
});

test('a piece of the context stands where the template has it, in every order of the candidates', async () => {
  const row = {
    ...{ question: 'Which?', best: 'A', answers: [['see', { image: 'red.png' }], 'none'] },
    told: [['image', 'green.png'], { type: 'text', text: 'before <image>' }],
  };
  const fields = {
    ...{ prompt: ['question'], images: ['extra'], label: 'best', context: { told: [{ parts: 'told' }] } },
    candidates: { list: 'answers', of: 'parts' },
  };
  const { examples, spec, modeWords } = await ingested([{ ...row, extra: 'blue.png' }], fields, 'told');
  const example = required(examples[0], 'an example');
  const [extra, green, red] = example.images;
  const [turned] = otherOrders(example, spec);
  const shown = [example, required(turned, 'the other order')].map((each) => {
    const messages = renderPrompt(spec, each, 'direct', modeWords);
    const texts = messages.flatMap(({ content }) => content).map((part) => (part.type === 'text' ? part.text : '*'));
    return { text: texts.join(' '), images: imagesOfMessages(messages, (image) => each.images[image]) };
  });
  const told = 'Told: * before <image>';
  expect(shown).toEqual([
    { text: `${told} Which? A: see * B: none ${modeWords.direct} *`, images: [green, red, extra] },
    { text: `${told} Which? A: none B: see * ${modeWords.direct} *`, images: [green, red, extra] },
  ]);
});

test('a context without candidates is refused for a kind that compares: its pictures would be taken for some', async () => {
  const fields = { prompt: ['question'], images: ['picture'], label: 'best', context: { told: [{ parts: 'told' }] } };
  await expect(ingested([{ question: 'Which?' }], fields, 'told')).rejects.toMatchObject({
    code: 'RECIPE_INVALID',
    message: expect.stringContaining('it beside fields.candidates, because the task is choice') as string,
  });
});

describe('a row is quarantined', () => {
  test.each([
    ['one candidate', { answers: ['one'], best: 'A' }, 'CANDIDATES_INVALID', /has 1 candidates.* has 2 to 4/],
    ['too many', { answers: ['a', 'b', 'c', 'd', 'e'], best: 'A' }, 'CANDIDATES_INVALID', /has 5 candidates/],
    ['the place of none', { answers: ['one', 'two'], best: 'C' }, 'LABEL_UNKNOWN', /C does not fit the 2 candidates/],
    ['no list', { answers: 'one', best: 'A' }, 'FIELD_MISSING', /answers is not a list/],
    ['an element that is no text', { answers: ['one', { a: 1 }], best: 'A' }, 'FIELD_MISSING', /answers.1/],
  ])('for %s', async (_, row, code, reason) => {
    const fine = { ...question, answers: ['one', 'two'], best: 'A' };
    const fields = { ...asked, candidates: { list: 'answers' }, label: 'best' };
    const { examples, quarantined } = await ingested([{ ...question, ...row }, fine], fields);
    expect(quarantined).toMatchObject([{ code, reason: expect.stringMatching(reason) as string }]);
    expect(examples).toHaveLength(1);
  });
});

describe('orders', () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    ...question,
    answers: ['right', ...['wrong', 'worse', 'worst'].slice(0, 1 + (i % 3))],
    best: 'A',
  }));
  const fields = { ...asked, candidates: { list: 'answers' }, label: 'best' };
  const chosen = (example: Example, labels: readonly string[]) => textsOf(example)[labels.indexOf(example.label)];

  test('a choice is asked in all rotations, each of which has the right candidate at another place', async () => {
    const { examples, spec } = await ingested(rows.slice(0, 3), fields);
    for (const example of examples) {
      const all = [example, ...otherOrders(example, spec)];
      expect(all).toHaveLength(candidatesOf(example).length);
      expect(new Set(all.map(({ label }) => label)).size).toBe(all.length);
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      for (const each of all) expect(chosen(each, spec.labels)).toEqual(['right']);
      // An answer in any order means the same candidate in the order of the row.
      ordersOf(example, spec).forEach((order, i) => {
        expect(verdictInRow(required(all[i], 'an order').label, spec.labels, order)).toBe('A');
      });
    }
  });

  test('are random by seed, with the label on the same candidate, so that no place is right more often', async () => {
    const { examples, spec } = await ingested(rows, fields, 'best', { randomOrderSeed: 1 });
    expect(examples.map((example) => chosen(example, spec.labels))).toEqual(rows.map(() => ['right']));
    const ofFour = examples.filter((example) => candidatesOf(example).length === 4);
    expect(new Set(ofFour.map(({ label }) => label)).size).toBe(4);
    const again = await ingested(rows, fields, 'best', { randomOrderSeed: 1 });
    expect(again.examples).toEqual(examples);
  });

  test('a tie stays a tie in both orders', async () => {
    const { examples, spec } = await ingested(
      [{ ...question, a: 'x', b: 'y', score_a: 2, score_b: 2 }],
      { ...asked, candidates: ['a', 'b'], label: { greaterOf: ['score_a', 'score_b'] } },
      'pair',
    );
    const both = examples.flatMap((example) => [example, ...otherOrders(example, spec)]);
    expect(both.map(({ label }) => label)).toEqual(['tie', 'tie']);
    expect(both.map(textsOf)).toEqual([
      [['x'], ['y']],
      [['y'], ['x']],
    ]);
  });
});

describe('a prompt', () => {
  test('shows each candidate with its parts, the context where the template has it, and row text as such', async () => {
    const rows = [
      {
        ...{ question: 'Which fits?', context: 'green.png', best: 'B' },
        answers: [
          { said: 'a <image> b', picture: 'red.png' },
          { said: 'c', picture: 'blue.png' },
        ],
      },
    ];
    const fields = {
      ...{ prompt: ['question'], images: ['context'], label: 'best' },
      candidates: { list: 'answers', text: 'said', image: 'picture' },
    };
    const { examples, spec, modeWords } = await ingested(rows, fields, 'fitting');
    const example = required(examples[0], 'an example');
    const shownBy = (each: Example) => {
      const messages = renderPrompt(spec, each, 'direct', modeWords);
      const texts = messages.flatMap(({ content }) => content).map((part) => (part.type === 'text' ? part.text : '*'));
      return { text: texts.join(' '), images: imagesOfMessages(messages, (image) => each.images[image]) };
    };
    const [context, red, blue] = example.images;
    expect(shownBy(example)).toEqual({
      text: `Which fits? A: * a <image> b B: * c ${modeWords.direct} *`,
      images: [red, blue, context],
    });
    const [turned] = otherOrders(example, spec);
    expect(shownBy(required(turned, 'the other order'))).toEqual({
      text: `Which fits? A: * c B: * a <image> b ${modeWords.direct} *`,
      images: [blue, red, context],
    });
    const [message] = renderPrompt(spec, example, 'direct', modeWords);
    const rowTexts = message?.content.flatMap((part) =>
      part.type === 'text' ? (part.rows ?? []).map(([from, to]) => part.text.slice(from, to)) : [],
    );
    expect(rowTexts).toEqual(expect.arrayContaining(['Which fits?', 'a <image> b', 'c']));
    // Labels are words of the recipe.
    expect(rowTexts).not.toContain('A');
  });

  test('that leaves a picture of a candidate out is refused', async () => {
    const { examples, spec, modeWords } = await ingested(
      [{ ...question, pictures: ['red.png', 'green.png'], best: 'A' }],
      { prompt: ['question'], images: ['pictures'], label: 'best' },
    );
    const silent = { ...spec, prompt: '{{ candidates[0] }}' };
    expect(() => renderPrompt(silent, required(examples[0], 'an example'), 'direct', modeWords)).toThrow(
      'the prompt has 1 images, the example has 2',
    );
  });
});

test('a verdict is a place of the example: the third of two is no label', async () => {
  const { examples, spec } = await ingested(
    [
      { ...question, answers: ['one', 'two'], best: 'A' },
      { ...question, answers: ['one', 'two', 'three'], best: 'A' },
    ],
    { ...asked, candidates: { list: 'answers' }, label: 'best' },
  );
  const read = examples.map((example) =>
    readVerdict({ text: '<answer> C </answer>', finishReason: 'stop' }, ruleFor(spec, example), 'direct'),
  );
  expect(read).toMatchObject([
    { ok: false, reason: 'verdict-not-a-label' },
    { ok: true, verdict: 'C' },
  ]);
});
