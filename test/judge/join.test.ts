import { expect, test } from 'vitest';
import { joinDatasets } from '../../judge/datasets/joining/join.ts';
import type { DatasetRow } from '../../judge/datasets/read-dataset.ts';
import type { Split } from '../../judge/example.ts';
import { recipeOf } from './recipes.ts';

const recipe = recipeOf({
  tasks: { holds: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ caption }} {{ mode_word }}' } },
  datasets: (['train', 'test'] as const).map((split) => ({
    ...{ reader: 'jsonl', task: 'holds', split, path: '/none' },
    fields: { images: [], prompt: ['caption'] },
  })),
  leaks: { action: 'drop', textFields: ['caption'] },
});

function row(id: string, split: Split, caption: string): DatasetRow {
  return {
    example: { id, task: 'holds', split, images: [], fields: { caption }, label: 'yes', groupKey: id },
    place: { source: 'file', row: 1, excerpt: id },
  };
}

test('passes each example on before it reads the next rows', async () => {
  const taken: string[] = [];
  const takenBefore: number[] = [];
  async function* rowsOf({ split }: { readonly split: unknown }) {
    for (let i = 0; i < 5; i++) {
      takenBefore.push(taken.length);
      yield await Promise.resolve([
        row(`${String(split)} ${String(i)}`, split as Split, `${String(split)} ${String(i)}`),
      ]);
    }
  }
  const joined = await joinDatasets(recipe, rowsOf, {
    quarantined: () => undefined,
    example: ({ id }) => void taken.push(id),
    idsAt: () => Promise.resolve([]),
    place: () => undefined,
    places: () => [],
  });
  expect(takenBefore).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(joined).toMatchObject({ exampleCount: 10, imageCount: 0, quarantinedCount: 0, leaks: [] });
});

test('keeps the number and the place of a row that a leak drops, and puts it in no pool', async () => {
  const rows = { train: [row('a', 'train', 'one'), row('b', 'train', 'two')], test: [row('c', 'test', 'One!')] };
  const places: unknown[] = [];
  const quarantined: unknown[] = [];
  const ids: string[] = [];
  const joined = await joinDatasets(
    recipe,
    async function* ({ split }) {
      yield await Promise.resolve(rows[split as 'train']);
    },
    {
      quarantined: (one) => void quarantined.push(one),
      example: ({ id }) => void ids.push(id),
      idsAt: (wanted) => Promise.resolve(Array.from(wanted, (at) => ids[at] ?? '')),
      place: (place) => void places.push(place),
      places: () => places as never,
    },
  );
  expect([...joined.poolOfRow]).toEqual([0xffff, 0, 1]);
  expect(joined.pools).toMatchObject([
    { split: 'train', exampleCount: 1 },
    { split: 'test', exampleCount: 1 },
  ]);
  expect(joined.leaks).toMatchObject([{ kind: 'text', examples: ['a', 'c'] }]);
  expect(quarantined).toMatchObject([{ code: 'LEAKED', excerpt: 'a' }]);
});
