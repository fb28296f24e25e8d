import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keptCountMax, removeOldest } from '../../workers/workflow-bundle.ts';

test('bundles of earlier versions are removed, those used longest ago first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-bundles-'));
  try {
    await writeFile(join(folder, 'a-stranger'), '');
    const names = Array.from({ length: keptCountMax + 3 }, (_, i) => `workflows-${String(100 - i)}.js`);
    for (const [i, name] of names.entries()) {
      await writeFile(join(folder, name), '');
      await utimes(join(folder, name), 1_000 + i, 1_000 + i);
    }
    await removeOldest(folder);
    expect((await readdir(folder)).sort()).toEqual(['a-stranger', ...names.slice(3)].sort());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
