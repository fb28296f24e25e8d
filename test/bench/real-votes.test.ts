/** Rows made of the votes on what pictures show, and the recipe that reads them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareVotes } from '../../bench/real-votes.ts';
import { classesOf, type ShowsRow, showsRowsOf, type VotedPicture } from '../../bench/vote-rows.ts';
import { projectRoot } from '../../core/project.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import { targetText } from '../../judge/tasks/completion.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { needSharedData } from '../support/needs.ts';

const picture = (image: string, votes: Readonly<Record<string, number>>): VotedPicture => ({
  ...{ image, human_votes: votes },
  n_votes: Object.values(votes).reduce((sum, count) => sum + count, 0),
});

describe('rows of a picture', () => {
  const rowsOf = (votes: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      showsRowsOf([picture('a.png', votes)], ['bird', 'cat', 'dog'], 0).map(({ statement, label, seen }) => [
        statement,
        `${label}, ${seen}`,
      ]),
    );

  test('say yes for what most people named, and no for what few named, with what one of the others saw', () => {
    expect(rowsOf({ cat: 8, dog: 2 })).toEqual({
      'This picture shows: bird.': expect.stringMatching(/^no, (cat|dog)$/) as unknown,
      'This picture shows: cat.': 'yes, cat',
      'This picture shows: dog.': 'no, cat',
    });
  });

  test('leave out what people disagree about', () => {
    expect(Object.keys(rowsOf({ cat: 5, dog: 5 }))).toEqual(['This picture shows: bird.']);
    expect(Object.keys(rowsOf({ cat: 6, dog: 4 }))).toEqual(['This picture shows: bird.', 'This picture shows: cat.']);
  });

  test('leave out a no of people who named nothing', () => {
    expect(rowsOf({ na: 10 })).toEqual({});
    expect(rowsOf({ cat: 6, na: 4 })).toEqual({
      'This picture shows: bird.': 'no, cat',
      'This picture shows: cat.': 'yes, cat',
      'This picture shows: dog.': 'no, cat',
    });
  });

  test('classes are those that somebody named', () => {
    expect(classesOf([picture('a', { dog: 1, na: 9 }), picture('b', { cat: 10 })])).toEqual(['cat', 'dog']);
  });
});

const { found, isMissing } = needSharedData('cue-conflict');

describe.skipIf(isMissing)('recipes/real-votes.yaml', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-votes-'));
  const file = (name: string): string => join(folder, 'made', `${name}.jsonl`);
  const linesOf = (path: string): string[] => readFileSync(path, 'utf8').trim().split('\n');
  let counts: ReturnType<typeof prepareVotes>;
  beforeAll(() => {
    counts = prepareVotes(join(found ?? '', 'cue-conflict'), join(folder, 'made'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('trains on no picture of the test', () => {
    expect(counts.rowCounts).toEqual({ 'shows.train': 11_855, 'which.train': 742, 'which.test': 100 });
    const tested = new Set(linesOf(file('which.test')).map((line) => (JSON.parse(line) as VotedPicture).image));
    const trained = ['which.train', 'shows.train'].flatMap((name) =>
      linesOf(file(name)).map((line) => (JSON.parse(line) as ShowsRow).image),
    );
    expect(trained.filter((image) => tested.has(image))).toEqual([]);
  });

  test('reads them with prompts whose words the policy knows', async () => {
    for (const name of Object.keys(counts.rowCounts))
      writeFileSync(file(name), linesOf(file(name)).slice(0, 64).join('\n'));
    const { parsed } = loadRecipeFile(join(projectRoot, 'recipes', 'real-votes.yaml'), [
      `dataFolder=${join(folder, 'made')}`,
    ]);
    const datasets = parsed.datasets.map((one) => (one.reader === 'judge-world' ? { ...one, exampleCount: 8 } : one));
    const { examples, quarantined } = await ingestDatasets({ ...parsed, datasets }, { image: () => undefined });
    expect(quarantined).toEqual([]);
    expect(parsed.tasks['which']?.labels).toEqual(counts.classes);
    const { model } = JSON.parse(readFileSync(join(projectRoot, 'recipes', 'demo-base', 'tokenizer.json'), 'utf8')) as {
      readonly model: { readonly vocab: object };
    };
    for (const example of examples) {
      const spec = parsed.tasks[example.task];
      if (spec === undefined) throw new Error(example.task);
      const prompt = JSON.stringify(renderPrompt(spec, example, 'think', parsed.modeWords));
      const words = prompt.match(/[a-z]{3,}/g) ?? [];
      const own = new Set(['role', 'user', 'content', 'type', 'text', 'rows']);
      expect(words.filter((word) => !own.has(word) && !Object.hasOwn(model.vocab, word))).toEqual([]);
    }
    const targets = examples.filter(({ task, split }) => task === 'shows' && split === 'train');
    const [yes, no] = ['yes', 'no'].map((label) => targets.find((example) => example.label === label));
    expect(yes && targetText(yes, 'think')).toMatch(/^<think> airplane same match <\/think> <answer> yes/);
    expect(no && targetText(no, 'think')).toMatch(/^<think> \w+ other mismatch <\/think> <answer> no/);
  });
});
