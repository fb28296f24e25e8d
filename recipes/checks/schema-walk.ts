/**
 * Which fields are allowed at a place of a recipe, taken from the schema itself (as JSON Schema), so that no message
 * can name a field that the schema does not have.
 */
import { recipeJsonSchema, type SchemaNode } from '../json-schema.ts';
import type { RecipePath } from './problem.ts';

/**
 * Declared field names at `path` of `recipe`; for a union, those of the branches whose constants (`objective: rl`)
 * match the value there.
 */
export function fieldsAt(path: RecipePath, recipe: unknown): readonly string[] {
  const fields = nodesAt(path, recipe).flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(fields)];
}

function nodesAt(path: RecipePath, recipe: unknown): readonly SchemaNode[] {
  let value: unknown = recipe;
  let nodes = branches([recipeJsonSchema()], value);
  for (const key of path) {
    value = memberOf(value, key);
    nodes = branches(
      nodes.flatMap((node) => childrenOf(node, key)),
      value,
    );
  }
  return nodes;
}

function childrenOf(node: SchemaNode, key: string | number): readonly SchemaNode[] {
  const declared = node.properties?.[String(key)];
  if (declared !== undefined) return [declared];
  if (typeof node.additionalProperties === 'object') return [node.additionalProperties];
  const item = node.prefixItems?.[Number(key)] ?? node.items;
  return item === undefined ? [] : [item];
}

function branches(nodes: readonly SchemaNode[], value: unknown): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const options = node.anyOf ?? node.oneOf;
    if (options === undefined) return [node];
    const fitting = options.filter((option) => constantsFit(option, value));
    return branches(fitting.length > 0 ? fitting : options, value);
  });
}

function constantsFit(node: SchemaNode, value: unknown): boolean {
  const options = node.anyOf ?? node.oneOf;
  if (options !== undefined) return options.some((option) => constantsFit(option, value));
  return Object.entries(node.properties ?? {}).every(
    ([name, field]) => field.const === undefined || (memberOf(value, name) ?? field.default) === field.const,
  );
}

export function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

export function valueAt(value: unknown, path: RecipePath): unknown {
  return path.reduce(memberOf, value);
}
