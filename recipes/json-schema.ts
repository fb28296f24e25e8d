/** The recipe's schema as JSON Schema (draft 2020-12), for editors and for the generated reference. */
import { z } from 'zod';
import { recipeSchema } from './recipe.ts';

/** The subset of JSON Schema that recipes use. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number | boolean)[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: SchemaNode;
  readonly prefixItems?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly propertyNames?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly required?: readonly string[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

let made: SchemaNode | undefined;

/** Schema of a recipe as it is sent, with included files merged. */
export function recipeJsonSchema(): SchemaNode {
  return (made ??= schemaOf('inline'));
}

/** @param reused whether a part that stands in several places is written out in each, or once and referred to */
function schemaOf(reused: 'inline' | 'ref'): SchemaNode {
  return z.toJSONSchema(recipeSchema, {
    io: 'input',
    reused,
    override({ jsonSchema }) {
      // JavaScript's largest integer is not a limit of the recipe.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as SchemaNode;
}

const include: SchemaNode = {
  description: 'Files whose tasks and datasets are added, such as those in recipes/adapters (docs/data.md).',
  type: 'array',
  items: { type: 'string' },
};

/** Schema of a recipe file, whose tasks and datasets may come from files that it includes. */
export function recipeFileSchema(json = recipeJsonSchema()): SchemaNode {
  const { properties, required = [], ...schema } = json;
  const included = ['tasks', 'datasets'];
  return {
    ...schema,
    properties: { ...properties, include },
    required: required.filter((name) => !included.includes(name)),
    anyOf: [{ required: included }, { required: ['include'] }],
  };
}

/** The same for editors, in which an arm with `like` needs none of the fields that it takes from another arm. */
export function recipeEditorSchema(): object {
  // Every algorithm has a form of arm of its own: written out, they would be most of the file.
  const { properties = {}, ...schema } = recipeFileSchema(schemaOf('ref'));
  const { additionalProperties: arm, ...arms } = properties['arms'] ?? {};
  const likeAnother = { properties: { like: { type: 'string' } }, required: ['like'] };
  return {
    ...schema,
    properties: { ...properties, arms: { ...arms, additionalProperties: { if: likeAnother, then: {}, else: arm } } },
  };
}
