/** Generates docs/recipes.md: every field of a recipe, from the schema alone. `npm run docs` writes it. */
import { isDeepStrictEqual } from 'node:util';
import { type SchemaNode, recipeFileSchema } from './json-schema.ts';
import { nodeTypeText } from './checks/type-text.ts';

interface Row {
  readonly path: string;
  readonly node: SchemaNode;
  readonly isNeeded: boolean;
  readonly meaning: string;
}

/** Fields that occur in the same branches of a union, with the same meaning in each. */
interface Branched {
  readonly values: readonly string[];
  readonly rows: readonly Row[];
}

const head = `# Recipes

Written by \`npm run docs\` from the schema in \`recipes/recipe.ts\`; \`recipes/recipe.schema.json\` is the same schema for editors. Start a recipe with

\`\`\`yaml
# yaml-language-server: $schema=./recipe.schema.json
\`\`\`

(the path to that file), and editors with the YAML language server complete fields, show these descriptions and underline errors. \`mtrl\` checks more than a JSON schema can express (names that must exist, shares that must add up) and reports the path, what was found and what is allowed: \`mtrl recipe FILE\` checks a recipe and prints it as JSON, nothing else.

NAME is a name that you choose: lower-case letters, digits and dashes. \`[]\` stands for each entry of a list. *needed* means required within its parent. Paths are relative to the recipe's folder.`;

/** The page, in Markdown. */
export function recipeReference(): string {
  const { properties = {}, required = [] } = recipeFileSchema();
  const needed = [...required, 'tasks', 'datasets'];
  const rowOf = ([path, node]: [string, SchemaNode]): Row => row(path, node, needed.includes(path));
  const top = Object.entries(properties).map(rowOf);
  const sections = top.filter(({ node }) => inner(node) !== undefined).map(section);
  return `${[head, '## The recipe', table(top), ...sections].join('\n\n')}\n`;
}

function row(path: string, node: SchemaNode, isNeeded: boolean, meaning = ''): Row {
  const told = [node.description ?? meaning, node.items?.enum === undefined ? undefined : node.items.description];
  return { path, node, isNeeded, meaning: told.filter((text) => text !== undefined).join(' ') };
}

/**
 * The nodes with fields: the node itself, an entry of the list or record that it is, or the branches of a union of
 * these.
 */
function inner(node: SchemaNode): { readonly branches: readonly SchemaNode[]; readonly step: string } | undefined {
  const options = (node.anyOf ?? node.oneOf ?? [node]).map(folded).filter(({ properties }) => properties !== undefined);
  if (options.length > 0) return { branches: options, step: '' };
  const named = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
  const entry = named ?? node.items;
  const found = entry === undefined ? undefined : inner(entry);
  return found && { branches: found.branches, step: `${named === undefined ? '[]' : '.NAME'}${found.step}` };
}

/**
 * Folds a branch that is itself a union (rl arms, one branch per algorithm) into one; fields note how its branches
 * differ.
 */
function folded(option: SchemaNode): SchemaNode {
  const { oneOf: own, description } = option;
  if (own === undefined) return option;
  const names = [...new Set(own.flatMap(({ properties = {} }) => Object.keys(properties)))];
  const constantsOf = (name: string) => new Set(own.flatMap(({ properties }) => properties?.[name]?.const ?? []));
  const telling = names.find((name) => constantsOf(name).size > 1) ?? '';
  const fields = names.map((name) => [name, foldedField(own, name, telling)] as const);
  return {
    ...(description !== undefined && { description }),
    properties: Object.fromEntries(fields),
    required: names.filter((name) => own.every((branch) => isNeeded(branch, name))),
  };
}

function foldedField(own: readonly SchemaNode[], name: string, telling: string): SchemaNode {
  const having = own.flatMap((branch) => {
    const field = branch.properties?.[name];
    return field === undefined ? [] : [{ field, value: valueOf(branch, telling) }];
  });
  const [first] = having;
  if (first === undefined) return {};
  const { const: _constant, ...rest } = first.field;
  if (name === telling) {
    const preset = having.find(({ field }) => field.default !== undefined)?.field.default;
    return { ...rest, enum: having.map(({ value }) => value), ...(preset !== undefined && { default: preset }) };
  }
  const lacking = own.filter(({ properties }) => properties?.[name] === undefined);
  const where = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ');
  // The shorter of the two lists.
  const whereItIs =
    lacking.length < having.length
      ? `Not with \`${telling}\` ${where(lacking.map((branch) => valueOf(branch, telling)))}.`
      : `With \`${telling}\` ${where(having.map(({ value }) => value))}.`;
  const notes = [
    ...(lacking.length > 0 ? [whereItIs] : []),
    ...having
      .filter(({ field }) => !isDeepStrictEqual(field.default, first.field.default))
      .map(({ field, value }) => `Default of \`${value}\`: \`${JSON.stringify(field.default)}\`.`),
  ];
  if (notes.length === 0) return first.field;
  return { ...first.field, description: [first.field.description ?? '', ...notes].join(' ').trimStart() };
}

function section({ path, node }: Row): string {
  const { branches = [], step = '' } = inner(node) ?? {};
  const place = `${path}${step}`;
  const discriminator = discriminatorOf(branches);
  if (discriminator === undefined) return `## ${place}\n\n${table(rowsOf(place, branches))}`;
  const told = branches.flatMap((branch) =>
    branch.description === undefined ? [] : [`- \`${valueOf(branch, discriminator)}\`: ${branch.description}`],
  );
  const parts = branchedRows(place, branches, discriminator).map(({ values, rows }) => {
    const isAll = values.length === branches.length;
    const names = values.map((value) => `\`${value}\``).join(', ');
    return `### ${place} ${isAll ? 'of every' : 'with'} ${discriminator}${isAll ? '' : ` ${names}`}\n\n${table(rows)}`;
  });
  const values = branches.map((branch) => `\`${valueOf(branch, discriminator)}\``);
  return [
    `## ${place}`,
    `\`${discriminator}\` (needed) is one of ${values.join(', ')}.`,
    ...(told.length > 0 ? [told.join('\n')] : []),
    ...parts,
  ].join('\n\n');
}

/** The field whose constants distinguish the branches. */
function discriminatorOf(branches: readonly SchemaNode[]): string | undefined {
  if (branches.length < 2) return undefined;
  const names = Object.keys(branches[0]?.properties ?? {});
  return names.find((name) => branches.every(({ properties }) => properties?.[name]?.const !== undefined));
}

const valueOf = ({ properties }: SchemaNode, discriminator: string): string =>
  String(properties?.[discriminator]?.const);

function branchedRows(place: string, branches: readonly SchemaNode[], discriminator: string): readonly Branched[] {
  const found = new Map<string, { row: Row; values: string[] }>();
  for (const branch of branches) {
    for (const [name, node] of Object.entries(branch.properties ?? {})) {
      if (name === discriminator) continue;
      const each = row(`${place}.${name}`, node, isNeeded(branch, name));
      const key = JSON.stringify(each);
      const entry = found.get(key) ?? { row: each, values: [] };
      found.set(key, { ...entry, values: [...entry.values, valueOf(branch, discriminator)] });
    }
  }
  const fields = [...found.values()];
  const sets = [...new Set(fields.map(({ values }) => values.join()))];
  return sets
    .map((set) => fields.filter(({ values }) => values.join() === set))
    .map((same) => ({ values: same[0]?.values ?? [], rows: same.flatMap(({ row: each }) => withInner(each)) }))
    .sort((a, b) => b.values.length - a.values.length);
}

function rowsOf(place: string, branches: readonly SchemaNode[]): readonly Row[] {
  return branches.flatMap((branch) =>
    Object.entries(branch.properties ?? {}).flatMap(([name, node]) =>
      withInner(row(`${place}.${name}`, node, isNeeded(branch, name), branch.description)),
    ),
  );
}

function withInner(each: Row): readonly Row[] {
  const { branches = [], step = '' } = inner(each.node) ?? {};
  return [each, ...rowsOf(`${each.path}${step}`, branches)];
}

const isNeeded = ({ required }: SchemaNode, name: string): boolean => required?.includes(name) === true;

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ path, node, isNeeded: needed, meaning }) => {
    const cells = [`\`${path}\``, nodeTypeText(node), needed ? '*needed*' : defaultText(node), withLinks(meaning)];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| field | type | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

const withLinks = (text: string): string => text.replace(/docs\/([\w-]+\.md)/g, '[$1]($1)');

/** The default of a field; empty if its own fields have their defaults in the rows below. */
function defaultText(node: SchemaNode): string {
  const { default: value, properties } = node;
  if (value === undefined || properties !== undefined) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
