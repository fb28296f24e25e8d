/** The server's judgments are those of `mtrl judge`, bit for bit, whatever other requests it answers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { JudgedRow } from '../../judge/evaluation/judged-row.ts';
import type { JudgedRows } from '../../pipeline/asking/judged-rows.ts';
import { realActivities } from '../support/real-activities.ts';
import { demo, type DemoServer, demoServer, judgeRow, type WorldRow, worldRows } from './demo-server.ts';

let server: DemoServer;
let root: string;
let activities: Awaited<ReturnType<typeof realActivities>>;
let store: ArtifactStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-equal-'));
  store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  activities = await realActivities(store, root);
  server = await demoServer();
});
afterAll(async () => {
  await server.close();
  await activities.close();
  await rm(root, { recursive: true, force: true });
});

/** What `mtrl judge` does with a file of these rows (workflows/judge-batch.ts), in a store and an engine of its own. */
async function judgedByFile(task: string, rows: readonly WorldRow[]): Promise<readonly JudgedRow[]> {
  const { control, compute, run } = activities;
  const folder = await mkdtemp(join(root, 'rows-'));
  const lines = rows.map(({ id, fields, pictures }) => {
    return JSON.stringify({ id, ...fields, images: pictures.map((_, i) => `${id}-${i}.png`) });
  });
  for (const { id, pictures } of rows)
    for (const [i, picture] of pictures.entries()) await writeFile(join(folder, `${id}-${i}.png`), picture);
  const file = join(folder, 'rows.jsonl');
  await writeFile(file, lines.join('\n'));
  const read = await run(control.readRows, { recipe: demo.recipe, task, file });
  const { policy } = await run(compute.importPolicy, { recipe: read.recipe });
  const asked = { by: 'rows', task, mode: 'think' } as const;
  const { dataset } = await run(compute.admit, { recipe: read.recipe, dataset: read.dataset, policy, asked });
  const made = await run(compute.judgeRows, { recipe: read.recipe, dataset, policy, task, mode: 'think' });
  return ((await store.getJson(made.rows)) as JudgedRows).rows;
}

it.each(['safety', 'alignment', 'pair-alignment'])('a batch of %s', async (task) => {
  const rows = await worldRows(task, 12);
  const { status, body } = await server.post('/v1/judge', { task, rows: rows.map(judgeRow) });
  expect(status).toBe(200);
  expect((body as { data: unknown }).data).toEqual(await judgedByFile(task, rows));
});

it.each(['safety', 'pair-alignment'])('requests of %s at once, each as a file of its row', async (task) => {
  const rows = await worldRows(task, 6);
  const answers = await Promise.all(rows.map((row) => server.post('/v1/judge', { task, ...judgeRow(row) })));
  for (const [i, { body }] of answers.entries())
    expect([body]).toMatchObject(await judgedByFile(task, rows.slice(i, i + 1)));
});
