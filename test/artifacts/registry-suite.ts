/** The guarantees of the registry on any store, run on a folder and on a real MinIO. */
import { expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import {
  type Addition,
  listNames,
  promoteVersion,
  readName,
  rollBackName,
  versionOf,
} from '../../artifacts/registry.ts';

let clock = 0;
const at = (): string => new Date(++clock * 1000).toISOString();
const addition = (identity: string, revision: number): Addition => ({
  ...{ identity, revision, at: at() },
  content: (version) => ({ version, identity }),
});

export function registrySuite(open: () => ObjectStore): void {
  const fresh = (): ArtifactStore => new ArtifactStore(open(), { cacheByteLengthMax: 0 });

  it('counts versions from 1, keeps the old ones and marks the current one', async () => {
    const store = fresh();
    expect(await readName(store, 'counted')).toMatchObject({ revision: 0, current: null });
    for (const [revision, identity] of ['a', 'b', 'c'].entries())
      await promoteVersion(store, 'counted', addition(identity, revision));
    const document = await readName(store, 'counted');
    expect(document).toMatchObject({ revision: 3, current: 3 });
    const contents = await Promise.all(document.versions.map(({ artifact }) => store.getJson(artifact)));
    expect(contents).toEqual(['a', 'b', 'c'].map((identity, i) => ({ version: i + 1, identity })));
    expect(document.events.map(({ version, previous }) => [version, previous])).toEqual([
      [1, null],
      [2, 1],
      [3, 2],
    ]);
    expect(await listNames(store)).toContain('counted');
  });

  it('lets exactly one of 50 concurrent promotions succeed; the others get a conflict', async () => {
    const store = fresh();
    for (const revision of [0, 1]) {
      const tries = Array.from({ length: 50 }, (_, i) =>
        promoteVersion(store, 'raced', addition(`${String(revision)}/${String(i)}`, revision)).then(
          () => 'won',
          (error: unknown) => (error as { code?: string }).code,
        ),
      );
      const outcomes = await Promise.all(tries);
      expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'PROMOTION_CONFLICT')).toHaveLength(49);
      expect(await readName(store, 'raced')).toMatchObject({ revision: revision + 1, current: revision + 1 });
    }
  });

  it('creates one version of a candidate that is promoted twice: concurrently, after others, and again after a rollback', async () => {
    const store = fresh();
    const twice = addition('a', 0);
    const [first, second] = await Promise.all([
      promoteVersion(store, 'twice', twice),
      promoteVersion(store, 'twice', twice),
    ]);
    expect(second).toEqual(first);
    await promoteVersion(store, 'twice', addition('b', 1));
    // A retry of the attempt whose answer was lost, after the name has moved on.
    expect(await promoteVersion(store, 'twice', twice)).toMatchObject({ revision: 2, current: 2 });
    await rollBackName(store, 'twice', { revision: 2, at: at(), by: 'me' });
    const again = await promoteVersion(store, 'twice', addition('b', 3));
    expect(again).toMatchObject({ revision: 4, current: 2 });
    expect(again.versions).toHaveLength(2);
  });

  it('rolls back to the previous version, to a given version, and to nothing', async () => {
    const store = fresh();
    const back = (revision: number, to?: number) =>
      rollBackName(store, 'back', { revision, at: at(), by: 'me', reason: 'worse', ...(to !== undefined && { to }) });
    await promoteVersion(store, 'back', addition('a', 0));
    await promoteVersion(store, 'back', addition('b', 1));
    expect(await back(2)).toMatchObject({ revision: 3, current: 1 });
    await promoteVersion(store, 'back', addition('c', 3));
    // Not to version 2, which had been rolled back before version 3 was promoted.
    expect(await back(4)).toMatchObject({ revision: 5, current: 1 });
    expect(await back(5, 3)).toMatchObject({ revision: 6, current: 3 });
    expect(await back(6)).toMatchObject({ revision: 7, current: 1 });
    await expect(back(7, 1)).rejects.toMatchObject({ code: 'USAGE' });
    // A repeated rollback has no further effect.
    expect(await back(6)).toMatchObject({ revision: 7, current: 1 });
    const end = await back(7);
    expect(end).toMatchObject({ revision: 8, current: null });
    expect(end.events.at(-1)).toMatchObject({ kind: 'rolled-back', version: null, previous: 1, reason: 'worse' });
    await expect(back(8)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(back(8, 9)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(() => versionOf(end)).toThrow('no judge has been promoted');
  });

  it('refuses a document with a changed byte, and invalid names', async () => {
    const store = fresh();
    await promoteVersion(store, 'changed', addition('a', 0));
    const text = Buffer.from((await store.objects.get('promotions/changed.json')) ?? []).toString();
    await store.objects.put('promotions/changed.json', Buffer.from(text.replace('"current":1', '"current":2')));
    await expect(readName(store, 'changed')).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
    await store.objects.put('promotions/changed.json', Buffer.from(text));
    for (const name of ['', 'Upper', '../up', 'a/b', 'a@1'])
      await expect(readName(store, name), name).rejects.toMatchObject({ code: 'USAGE' });
  });
}
