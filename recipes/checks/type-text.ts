/** The type of a field, in the words of docs/recipes.md. */
import type { SchemaNode } from '../json-schema.ts';

export function nodeTypeText(node: SchemaNode): string {
  const options = node.anyOf ?? node.oneOf;
  // Only values of any form refer to a definition: it is recursive.
  if (node.$ref !== undefined) return 'any value';
  if (options !== undefined) return [...new Set(options.map(nodeTypeText))].join(' or ');
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  switch (node.type) {
    case 'integer':
      return `whole number${boundsText(node)}`;
    case 'number':
      return `number${boundsText(node)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return listText(node);
    case 'object':
      return objectText(node);
    default:
      return stringText(node);
  }
}

function boundsText({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: SchemaNode): string {
  return [
    ...(minimum === undefined ? [] : [`from ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`to ${maximum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ]
    .map((bound) => ` ${bound}`)
    .join('');
}

function listText({ items, prefixItems, minItems, maxItems }: SchemaNode): string {
  const least = minItems === undefined ? '' : ` of at least ${minItems}`;
  const most = maxItems === undefined ? '' : `, at most ${maxItems}`;
  const length = minItems !== undefined && minItems === maxItems ? ` of ${minItems}` : `${least}${most}`;
  return `list${length}: ${nodeTypeText(prefixItems?.[0] ?? items ?? {})}`;
}

function objectText({ additionalProperties }: SchemaNode): string {
  return typeof additionalProperties === 'object' ? `by name: ${nodeTypeText(additionalProperties)}` : 'fields';
}

function stringText({ pattern, format }: SchemaNode): string {
  if (format === 'uri') return 'URL';
  return pattern?.startsWith('^[a-z0-9]') === true ? 'name' : 'text';
}
