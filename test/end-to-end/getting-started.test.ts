/** The recipe of docs/getting-started.md trains a real language model, cut to a few steps and rows. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { required } from '../../core/assert.ts';
import { needRealText } from '../support/needs.ts';
import { mtrlJsonAt } from './command-line.ts';
import { WholeStack } from './whole-stack.ts';

const { found: data, isMissing } = await needRealText();
const folder = await mkdtemp(join(tmpdir(), 'mtrl-getting-started-'));
const recipe = join(folder, 'my-text-judge.yaml');
let stack: WholeStack | undefined;

/** The code block that begins with a comment of the file's name. */
async function blockOf(name: string): Promise<string> {
  const page = await readFile(join(projectRoot, 'docs/getting-started.md'), 'utf8');
  const blocks = [...page.matchAll(/```\w+\n(.*?)```/gs)].map(([, text]) => required(text, 'a block'));
  return required(
    blocks.find((text) => text.startsWith(`# ${name}\n`)),
    name,
  );
}

async function wordsOf(split: 'train' | 'test', count: number): Promise<string[]> {
  const rows = (await readFile(join(required(data, 'data'), `polarity.${split}.jsonl`), 'utf8')).trim().split('\n');
  return rows.slice(0, count).map((row) => {
    const { word, label } = JSON.parse(row) as { word: string; label: string };
    return JSON.stringify({ id: word, word, feeling: label });
  });
}

beforeAll(async () => {
  if (isMissing) return;
  await writeFile(recipe, await blockOf('my-text-judge.yaml'));
  const [, ...shown] = (await blockOf('words.train.jsonl')).trim().split('\n');
  await writeFile(join(folder, 'words.train.jsonl'), [...shown, ...(await wordsOf('train', 30))].join('\n'));
  await writeFile(join(folder, 'words.test.jsonl'), (await wordsOf('test', 8)).join('\n'));
  await copyFile(join(required(data, 'data'), 'model.gguf'), join(folder, 'model.gguf'));
  stack = await WholeStack.start();
});

afterAll(async () => {
  await stack?.stop();
  await rm(folder, { recursive: true });
});

test.skipIf(isMissing)('a GGUF file and labels of words become a judge', async () => {
  const { home } = required(stack, 'the stack');
  const smaller = {
    'arms.format': { stepCount: 2, exampleCountPerStep: 8 },
    'arms.judge': { stepCount: 1, promptCountPerStep: 2, groupSize: 4 },
  };
  const settings = Object.entries(smaller).flatMap(([arm, fields]) =>
    Object.entries(fields).flatMap(([field, value]) => ['--set', `${arm}.${field}=${String(value)}`]),
  );
  const { arms } = (await mtrlJsonAt(home, 'run', recipe, '--id', 'my-text-judge', '--wait', ...settings)) as {
    arms: readonly { arm: string; tasks: readonly { exampleCount: number; unparsableRate: number }[] }[];
  };
  expect(arms.map(({ arm }) => arm)).toEqual(['base', 'format', 'judge']);
  expect(arms.map(({ tasks }) => tasks[0]?.exampleCount)).toEqual([8, 8, 8]);
  const judged = await mtrlJsonAt(
    home,
    ...['judge', '--policy', 'my-text-judge:judge', '--recipe', recipe, '--task', 'feeling'],
    ...['--input', join(folder, 'words.test.jsonl')],
  );
  expect(judged).toMatchObject({ rowCount: 8, judgedCount: 8 });
});
