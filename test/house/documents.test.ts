import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeError } from '../../core/errors.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import { expectNone } from '../support/expect-none.ts';
import { projectRoot } from '../../core/project.ts';
import { projectFiles, textOf } from '../support/source-files.ts';

/** A document's text, or an empty text if it does not exist, so that every check fails. */
function documentText(name: string): string {
  return existsSync(join(projectRoot, name)) ? textOf(name) : '';
}

/** Commands in fenced blocks, with their line numbers. */
function commandsIn(text: string): { line: number; command: string }[] {
  let isFenced = false;
  return text.split('\n').flatMap((raw, index) => {
    if (raw.startsWith('```')) isFenced = !isFenced;
    const command = raw
      .replace(/^\$\s+/, '')
      .replace(/\s+#.*$/, '')
      .trim();
    return isFenced && /^(npm|npx|node|mtrl|git|temporal|docker)\b/.test(command) ? [{ line: index + 1, command }] : [];
  });
}

describe('README.md', () => {
  it('names npm start and npm test before any other command', () => {
    const commands = commandsIn(documentText('README.md')).filter(({ command }) => !command.startsWith('git clone'));
    const first = commands.slice(0, 2).map(({ command }) => command);
    expect(first, `README.md:${commands[0]?.line ?? 1}`).toEqual(['npm start', 'npm test']);
  });

  it('names only existing npm scripts', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const unknown = commandsIn(documentText('README.md')).flatMap(({ line, command }) => {
      const script = /^npm (?:run (?:-s |--silent )?)?([\w:-]+)/.exec(command)?.[1] ?? 'start';
      return script in scripts || /^(ci|install|link)$/.test(script) ? [] : [`README.md:${line}: ${command}`];
    });
    expectNone(unknown);
  });

  it('links to every page of docs/', () => {
    const pages = readdirSync(join(projectRoot, 'docs')).filter((name) => name.endsWith('.md'));
    expectNone(pages.filter((name) => !documentText('README.md').includes(`(docs/${name})`)));
  });

  it('has no broken links to files', () => {
    const broken = projectFiles()
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        textOf(path)
          .split('\n')
          .flatMap((line, index) =>
            [...line.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
              .filter(([, target = '']) => !existsSync(join(projectRoot, path, '..', target)))
              .map(([, target = '']) => `${path}:${index + 1}: ${target}`),
          ),
      );
    expectNone(broken);
  });
});

describe('ARCHITECTURE.md', () => {
  it('names every room', () => {
    const text = documentText('ARCHITECTURE.md');
    const folders = (parent: string): string[] =>
      [...new Set(projectFiles(parent).map((path) => path.slice(parent === '' ? 0 : parent.length + 1)))]
        .filter((path) => path.includes('/') && !path.startsWith('.'))
        .map((path) => path.split('/')[0] ?? '');
    const rooms = [...new Set([...folders(''), ...folders('policy')])];
    expect(rooms.length).toBeGreaterThan(10);
    expectNone(
      rooms.filter((room) => !text.includes(`${room}/`)).map((room) => `ARCHITECTURE.md:1 does not name ${room}/`),
    );
  });
});

describe('recipes', () => {
  const names = readdirSync(join(projectRoot, 'recipes')).filter((name) => /\.ya?ml$/.test(name));

  it('the shipped ones exist', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'cue-conflict.yaml',
        'demo-quick.yaml',
        'demo.yaml',
        'nightly.yaml',
        'pretrain-demo.yaml',
      ]),
    );
  });

  it('the one in README.md is valid', () => {
    const [, text = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(documentText('README.md')) ?? [];
    expect(parseRecipe(parse(text, { merge: true })).name).toBe('my-judge');
  });

  it.each(names)('recipes/%s is valid', (name) => {
    let problem = '';
    try {
      loadRecipeFile(join(projectRoot, 'recipes', name), []);
    } catch (error) {
      problem = describeError(error);
    }
    expect(problem).toBe('');
  });
});
