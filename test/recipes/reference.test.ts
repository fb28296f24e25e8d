import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { recipeEditorSchema } from '../../recipes/json-schema.ts';
import { recipeReference } from '../../recipes/reference.ts';
import { expectNone } from '../support/expect-none.ts';

const page = readFileSync('docs/recipes.md', 'utf8');
const schema = JSON.parse(readFileSync('recipes/recipe.schema.json', 'utf8')) as object;
const recipes = readdirSync('recipes').filter((name) => name.endsWith('.yaml'));
const adapters = readdirSync('recipes/adapters');

describe('the output of `npm run docs` is up to date', () => {
  test('docs/recipes.md', () => {
    expect(page).toBe(recipeReference());
  });

  test('recipes/recipe.schema.json', () => {
    expect(schema).toEqual(JSON.parse(JSON.stringify(recipeEditorSchema())));
  });

  test('every field is documented', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(100);
    expectNone(rows.filter((line) => line.endsWith('|  |')));
  });
});

describe('the JSON Schema, as editors read it', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(schema);
  const problemsOf = (recipe: unknown): readonly string[] => {
    validate(recipe);
    return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`);
  };
  const demo = (): Record<string, unknown> =>
    parse(readFileSync('recipes/demo.yaml', 'utf8'), { merge: true }) as Record<string, unknown>;

  test.each(recipes)('accepts recipes/%s, which names the schema in its first line', (name) => {
    const text = readFileSync(`recipes/${name}`, 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./recipe.schema.json');
    expect(problemsOf(parse(text, { merge: true }))).toEqual([]);
  });

  test.each(adapters)('accepts recipes/adapters/%s as a part of a recipe', (name) => {
    const fragment = parse(readFileSync(`recipes/adapters/${name}`, 'utf8'), { merge: true }) as object;
    expect(problemsOf({ ...demo(), ...fragment })).toEqual([]);
  });

  test.each([
    ['an unknown field', { nme: 'x' }],
    ['a value that is not allowed', { leaks: { action: 'ignore' } }],
    ['a number out of bounds', { quarantineRateMax: 2 }],
    ['a name with a blank', { name: 'my judge' }],
  ])('rejects %s', (_what, change) => {
    expect(problemsOf({ ...demo(), ...change })).not.toEqual([]);
  });

  test('requires tasks and datasets of a recipe without include', () => {
    const { tasks: _tasks, datasets: _datasets, ...rest } = demo();
    expect(problemsOf(rest)).not.toEqual([]);
    expect(problemsOf({ ...rest, include: ['adapters/agin.yaml'] })).toEqual([]);
  });
});
