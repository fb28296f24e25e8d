import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { build } from '../../infra/build.mjs';

describe('the compiled form', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mtrl-build-'));
    write('package.json', '{"type":"module"}');
    write(
      'core/shown.ts',
      `interface Shown {
  readonly text: string;
}

export const shown = (text: string): Shown => ({ text });
export const where = (): string => /:\\d+:\\d+/.exec(new Error().stack?.split('\\n')[1] ?? '')?.[0] ?? '';
`,
    );
    write('cli/data.mjs', 'export const data = 3;\n');
    write(
      'cli/main.ts',
      `import { type Dirent, existsSync } from 'node:fs';
import { shown, where } from '../core/shown.ts';
export const entry: Dirent | undefined = undefined;
const later = await import('./later.ts');
const beside = existsSync(new URL('./later.ts', import.meta.url));
console.log(JSON.stringify({ ...shown(later.word), at: where(), beside }));
`,
    );
    write('cli/later.ts', `export const word: string = 'later';\n`);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  const run = (): unknown => {
    const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'main.js')], {
      encoding: 'utf8',
    });
    return stderr === '' ? JSON.parse(stdout) : stderr;
  };

  it('runs without a loader, resolves its imports, and maps lines and columns to its sources', async () => {
    expect(await build(root)).toBe(4);
    expect(run()).toEqual({ text: 'later', at: ':6:52', beside: true });
  });

  it('is rebuilt only where the time of the source changed, even to an earlier one', async () => {
    await build(root);
    expect(await build(root)).toBe(0);
    write('cli/later.ts', `export const word: string = 'changed';\n`);
    utimesSync(join(root, 'cli/later.ts'), new Date(0), new Date(0));
    expect(await build(root)).toBe(1);
    expect(run()).toMatchObject({ text: 'changed' });
  });

  it('drops files whose source was deleted', async () => {
    await build(root);
    rmSync(join(root, 'cli/data.mjs'));
    await build(root);
    expect(existsSync(join(root, 'dist/cli/data.mjs'))).toBe(false);
    expect(existsSync(join(root, 'dist/cli/main.js'))).toBe(true);
  });

  it('of this project is valid JavaScript in every file', () => {
    const script = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { SourceTextModule } from 'node:vm';
      for (const name of readdirSync('dist', { recursive: true }).filter((each) => each.endsWith('.js')))
        try { new SourceTextModule(readFileSync('dist/' + name, 'utf8')); }
        catch (error) { console.log(name + ': ' + error.message); }`;
    const args = ['--experimental-vm-modules', '--no-warnings', '--input-type=module', '-e', script];
    expect(spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8' })).toMatchObject({
      ...{ stdout: '', stderr: '', status: 0 },
    });
  });

  it('names the file that cannot be compiled', async () => {
    write('core/shape.ts', 'export enum Shape { Round }\n');
    await expect(build(root)).rejects.toThrow(/cannot be compiled[^]*core\/shape\.ts[^]*enum/);
  });
});
