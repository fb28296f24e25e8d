/** `mtrl judge` of an endpoint, from a file of rows to verdicts: what is asked, paid for and kept. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { askedArm, askingRecipe } from '../../cli/endpoint-options.ts';
import { createJudgeRowsEndpoint } from '../../pipeline/asking/endpoints/judge-rows-endpoint.ts';
import type { JudgedRows } from '../../pipeline/asking/judgments-artifact.ts';
import { createReadRows } from '../../pipeline/data/read-rows.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { callerWith } from '../support/caller.ts';
import { type ChatBody, EndpointServer } from '../support/endpoint-server.ts';

const key = 'sk-secret-0123456789';
let root: string;
let server: EndpointServer;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-judge-endpoint-'));
  server = await EndpointServer.start(alwaysFirst, key);
  for (const name of ['a', 'b']) {
    const picture = sharp({ create: { width: 8, height: 8 + name.charCodeAt(0), channels: 3, background: 'teal' } });
    await picture.png().toFile(join(root, `${name}.png`));
  }
  const rows = [
    { id: 'one', images: ['a.png', 'b.png'], caption: 'a boat' },
    { id: 'two', images: ['b.png', 'a.png'], caption: 'a tree' },
    { id: 'lost', images: ['a.png', 'c.png'], caption: 'a sea' },
  ];
  await writeFile(join(root, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true, force: true });
});

/** Says "first" in both orders, but refuses trees. */
const alwaysFirst = (body: ChatBody) =>
  JSON.stringify(body.messages).includes('a tree') ? 'I cannot say.' : '<answer> first </answer>';

const recipe: RecipeInput = {
  name: 'pairs',
  tasks: {
    better: { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image> {{ caption }} {{ mode_word }}' },
  },
  datasets: [{ reader: 'jsonl', task: 'better', split: 'test', path: 'none.jsonl', fields: { images: ['a', 'b'] } }],
  policy: { checkpoint: './base' },
  arms: { base: { objective: 'none', mode: 'direct' } },
  promotion: { name: 'judge', arm: 'base' },
};

/** As in one attempt, which begins without memory. */
async function judged(ask: readonly string[] = []) {
  const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  const deps = {
    store,
    codeVersion: () => 'code',
    log: pino({ enabled: false }),
    environment: { OPENAI_API_KEY: key },
  };
  const cache = new JsonCache(store);
  const { recipe: asking } = askingRecipe(recipe, { endpoint: server.address, model: 'big', ask }, 'direct');
  const caller = callerWith({});
  const file = join(root, 'rows.jsonl');
  const read = await createReadRows(cache)({ recipe: asking, task: 'better', file }, caller);
  const input = { ...read, arm: askedArm, task: 'better', mode: 'direct' } as const;
  const made = await createJudgeRowsEndpoint(deps, cache)(input, caller);
  return { read, made, rows: ((await store.getJson(made.rows)) as JudgedRows).rows };
}

it('asks in both orders, reads strictly, and pays for no answer twice', async () => {
  const { read, made, rows } = await judged();
  expect(server.problems).toEqual([]);
  expect(read).toMatchObject({ exampleCount: 2, quarantinedCount: 1 });
  expect(made).toMatchObject({ cached: false, rowCount: 2, unparsableCount: 1, agreementRate: 0 });
  expect(made.usage).toMatchObject({ answerCount: 4 });
  // "first" in both orders is no choice; without probabilities neither is the likelier.
  expect(rows).toMatchObject([
    { id: 'one', verdict: null, agreement: false },
    { id: 'two', verdict: null, unparsable: 'verdict-missing' },
  ]);
  expect(rows.every((row) => !('probabilities' in row))).toBe(true);
  expect((await judged()).made).toMatchObject({ cached: true, usage: made.usage });
  expect(server.paid).toHaveLength(4);
});

it('a judge that looks is consistent in both orders', async () => {
  server.reply = ({ messages }) => {
    const images = JSON.stringify(messages).match(/data:image\/png;base64,[^"]+/g) ?? [];
    // The taller picture has the longer file.
    return `<answer> ${(images[0]?.length ?? 0) >= (images[1]?.length ?? 0) ? 'first' : 'second'} </answer>`;
  };
  const { made, rows } = await judged();
  expect(made).toMatchObject({ unparsableCount: 0, agreementRate: 1 });
  expect(new Set(rows.map(({ verdict }) => verdict)).size).toBe(2);
});

it('ends at the ceiling of its cost, and goes on from there when it is raised', async () => {
  const prices = ['cost.promptPrice=2', 'cost.completionPrice=10', 'requestCountMax=1'];
  // An answer costs (100 * 2 + 10 * 10) / 1e6.
  await expect(judged([...prices, 'cost.costMax=0.0006'])).rejects.toMatchObject({ code: 'ENDPOINT_COST_CEILING' });
  expect(server.paid).toHaveLength(2);
  expect((await judged([...prices, 'cost.costMax=1'])).made).toMatchObject({ usage: { answerCount: 4 } });
  expect(server.paid).toHaveLength(4);
});

it('refuses settings that an endpoint does not have, naming those that it has', () => {
  const choice = { endpoint: server.address, model: 'big', ask: ['costMax=5'] };
  expect(() => askingRecipe(recipe, choice, 'direct')).toThrow(/arms\.asked\.policy\.costMax.*cost/s);
  expect(() => askingRecipe(recipe, { ...choice, endpoint: 'http://key@host', ask: [] }, 'direct')).toThrow(
    'keyVariable',
  );
});
