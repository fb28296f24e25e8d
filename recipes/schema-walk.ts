/**
 * Which fields may stand at a place of a recipe: asked of the schema itself (as JSON Schema), so that no message can
 * name a field that the schema does not have.
 */
import { z } from 'zod';
import { recipeSchema } from './recipe.ts';
import type { RecipePath } from './problem.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly const?: unknown;
}

let root: Node | undefined;
const schemaRoot = (): Node => (root ??= z.toJSONSchema(recipeSchema, { io: 'input' }) as Node);

/** Declared field names at `path` of `recipe`; for a union, those of the branches whose constants (`objective: grpo`) fit the value there. */
export function fieldsAt(path: RecipePath, recipe: unknown): readonly string[] {
  const fields = nodesAt(path, recipe).flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(fields)];
}

function nodesAt(path: RecipePath, recipe: unknown): readonly Node[] {
  let value: unknown = recipe;
  let nodes = branches([schemaRoot()], value);
  for (const key of path) {
    value = memberOf(value, key);
    nodes = branches(
      nodes.flatMap((node) => childrenOf(node, key)),
      value,
    );
  }
  return nodes;
}

function childrenOf(node: Node, key: string | number): readonly Node[] {
  const declared = node.properties?.[String(key)];
  if (declared !== undefined) return [declared];
  if (typeof node.additionalProperties === 'object') return [node.additionalProperties];
  const item = node.prefixItems?.[Number(key)] ?? node.items;
  return item === undefined ? [] : [item];
}

function branches(nodes: readonly Node[], value: unknown): readonly Node[] {
  return nodes.flatMap((node) => {
    const options = node.anyOf ?? node.oneOf;
    if (options === undefined) return [node];
    const fitting = options.filter((option) => constantsFit(option, value));
    return branches(fitting.length > 0 ? fitting : options, value);
  });
}

function constantsFit(node: Node, value: unknown): boolean {
  return Object.entries(node.properties ?? {}).every(
    ([name, field]) => field.const === undefined || memberOf(value, name) === field.const,
  );
}

export function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

export function valueAt(value: unknown, path: RecipePath): unknown {
  return path.reduce(memberOf, value);
}
