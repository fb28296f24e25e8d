import { mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { bundled, keptCountMax, removeOldest } from '../../workers/workflow-bundle.ts';

test('bundles of earlier versions are removed, those used longest ago first', () =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'a-stranger'), '');
    const names = Array.from({ length: keptCountMax + 3 }, (_, i) => `workflows-${String(100 - i)}.js`);
    for (const [i, name] of names.entries()) {
      await writeFile(join(folder, name), '');
      await utimes(join(folder, name), 1_000 + i, 1_000 + i);
    }
    await removeOldest(folder);
    expect((await readdir(folder)).sort()).toEqual(['a-stranger', ...names.slice(3)].sort());
  }));

test('workflows behind a symbolic link are bundled', () =>
  withFolder(async (folder) => {
    const link = join(folder, 'workflows');
    await symlink(join(projectRoot, 'workflows'), link);
    expect(await bundled(join(link, 'index.ts'))).toContain('__TEMPORAL__');
  }));

test('an error says what could not be bundled', () =>
  withFolder(async (folder) => {
    const broken = join(folder, 'broken.ts');
    await writeFile(broken, "export * from './not-there.ts';\n");
    await expect(bundled(broken)).rejects.toThrow('./not-there.ts');
  }));

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-bundles-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
