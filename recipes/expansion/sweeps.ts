/** `sweeps`: every combination of the values that a sweep gives to fields of an arm, as arms. */
import { name } from '../fields/scalars.ts';
import { sweepSchema, type SweepSpec } from '../fields/sweep-fields.ts';
import { type RecipePath, type RecipeProblem, valueText } from '../checks/problem.ts';
import { schemaProblems } from '../checks/schema-problems.ts';
import { unknownName } from '../checks/unknown-name.ts';
import { canonicalJson, type Json } from '../../core/json.ts';
import { type Fields, isFields, mergePatch } from './merge-patch.ts';

/** More arms than any recipe may have: a larger product is refused before it is made. */
const armCountMax = 1000;

export interface SweptArm {
  readonly name: string;
  readonly sweep: string;
  /** The arm that is varied. */
  readonly base: string;
  readonly arm: unknown;
  /** The position in `vary` of each value that the arm has. */
  readonly places: readonly { readonly field: string; readonly index: number }[];
}

/** `arms`: in full. */
export function sweptArms(recipe: Fields, arms: Fields, problems: RecipeProblem[]): SweptArm[] {
  const { sweeps } = recipe;
  if (sweeps === undefined) return [];
  if (!isFields(sweeps)) {
    problems.push({ path: ['sweeps'], found: valueText(sweeps), allowed: 'named entries' });
    return [];
  }
  return Object.entries(sweeps).flatMap(([sweep, value]) => {
    const read = sweepSchema.safeParse(value);
    const wrong = read.success
      ? sweepProblems(sweep, read.data, arms)
      : schemaProblems(
          read.error.issues.map((issue) => ({ ...issue, path: ['sweeps', sweep, ...issue.path] })),
          recipe,
        );
    problems.push(...wrong);
    return read.success && wrong.length === 0 ? armsOf(sweep, read.data, arms) : [];
  });
}

function sweepProblems(sweep: string, { arm, vary }: SweepSpec, arms: Fields): RecipeProblem[] {
  const at = ['sweeps', sweep];
  const fields = Object.entries(vary);
  const armCount = fields.reduce((product, [, values]) => product * values.length, 1);
  const isNamed = name.safeParse(sweep).success;
  return [
    ...(isNamed
      ? []
      : [{ path: at, found: `the name ${valueText(sweep)}`, allowed: 'lower-case letters, digits and dashes' }]),
    ...unknownName([...at, 'arm'], arm, Object.keys(arms), 'arm'),
    ...(fields.length === 0 ? [{ path: [...at, 'vary'], found: 'no field', allowed: 'at least one field' }] : []),
    ...(armCount > armCountMax
      ? [{ path: [...at, 'vary'], found: `${String(armCount)} arms`, allowed: `at most ${String(armCountMax)}` }]
      : []),
    ...fields.flatMap(([field, values]) => {
      const isTwice = new Set(values.map((value) => canonicalJson(value as Json))).size < values.length;
      const found = valueText(values);
      return isTwice ? [{ path: [...at, 'vary', field], found, allowed: 'values that differ' }] : [];
    }),
  ];
}

function armsOf(sweep: string, { arm: base, vary }: SweepSpec, arms: Fields): SweptArm[] {
  let combinations: (readonly { readonly field: string; readonly index: number }[])[] = [[]];
  for (const [field, values] of Object.entries(vary))
    combinations = combinations.flatMap((places) => values.map((_, index) => [...places, { field, index }]));
  return combinations.map((places) => {
    const values = Object.fromEntries(places.map(({ field, index }) => [field, vary[field]?.[index]]));
    const patched = Object.entries(values).reduce(
      (arm, [field, value]) => mergePatch(arm, patchAt(field.split('.'), value)),
      arms[base],
    );
    const fullName = [sweep, ...places.map(({ field, index }) => partOf(field, vary[field] ?? [], index))].join('/');
    const arm = isFields(patched) ? { ...patched, varied: { sweep, values } } : patched;
    return { name: fullName, sweep, base, places, arm };
  });
}

function patchAt([key = '', ...rest]: readonly string[], value: unknown): unknown {
  return { [key]: rest.length === 0 ? value : patchAt(rest, value) };
}

/** `learning-rate-1e-4`: the last part of the path, and the value. */
function partOf(path: string, values: readonly unknown[], index: number): string {
  const field = path.split('.').at(-1) ?? path;
  return `${field}-${valueName(values, index)}`
    .replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-');
}

/** The value itself; of lists their length, where these differ; otherwise its position, from 1. */
function valueName(values: readonly unknown[], index: number): string {
  if (values.every((value) => typeof value !== 'object' || value === null)) return numberText(values[index]);
  const lengths = values.map((value) => (Array.isArray(value) ? value.length : undefined));
  const differ = !lengths.includes(undefined) && new Set(lengths).size === lengths.length;
  return String(differ ? lengths[index] : index + 1);
}

/** `1e-4` for 0.0001, `0.05` as it is. */
function numberText(value: unknown): string {
  return typeof value === 'number' && value !== 0 && Math.abs(value) < 0.001 ? value.toExponential() : String(value);
}

/** The path in the recipe as written of what a swept arm has at `path`. */
export function sweptPath({ sweep, base, places }: SweptArm, path: RecipePath): RecipePath {
  for (const { field, index } of places) {
    const parts = field.split('.');
    const sharedCount = Math.min(parts.length, path.length);
    if (sharedCount === 0 || !parts.slice(0, sharedCount).every((part, i) => String(path[i]) === part)) continue;
    const at = ['sweeps', sweep, 'vary', field];
    // A path that ends before the field is that of a part that no field has.
    return path.length < parts.length ? at : [...at, index, ...path.slice(parts.length)];
  }
  return ['arms', base, ...path];
}
