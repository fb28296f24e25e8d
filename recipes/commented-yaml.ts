/** Writes a recipe as a person would: YAML with comments, and short lists and maps on one line. */
import { Document, isCollection, isMap, isPair, isScalar, isSeq, type Node, Scalar, visit } from 'yaml';
import type { RecipePath } from './checks/problem.ts';

export interface YamlComment {
  /** The value that it stands above. */
  readonly at: RecipePath;
  /** Lines; long ones are wrapped. */
  readonly text: string;
}

const lineLengthMax = 110;
const flowLengthMax = 96;

/** C0 except the line feed, DEL, C1, and characters that change the writing direction: data may hold any. */
const controls = /(?!\n)\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Control characters as `\u001b`, as comments may not contain them. */
function visible(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Texts that other readers of YAML take for truth values and nothing. */
const otherwise = /^(y|n|yes|no|on|off|true|false|null|~)$/i;

/** A value that is written once, under this name, and referred to at the other places. */
export interface YamlAnchor {
  readonly name: string;
  readonly at: readonly RecipePath[];
}

export interface YamlNotes {
  /** Lines above everything. */
  readonly head: string;
  readonly comments: readonly YamlComment[];
  readonly anchors?: readonly YamlAnchor[];
}

export function commentedYaml(value: unknown, { head, comments, anchors = [] }: YamlNotes): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  for (const { at, text } of comments) {
    const node = nodeAt(document, at);
    if (node !== undefined && text !== '') node.commentBefore = commentText(text, at.length);
  }
  visit(document, {
    Collection(_, node, path) {
      if (path.length > 2 && isShort(node)) node.flow = true;
    },
    Scalar(_, node) {
      if (typeof node.value !== 'string') return;
      if (node.value !== visible(node.value)) node.type = Scalar.QUOTE_DOUBLE;
      else if (otherwise.test(node.value)) node.type = Scalar.QUOTE_SINGLE;
    },
  });
  for (const { name, at } of anchors) anchorAt(document, name, at);
  if (isMap(document.contents)) {
    for (const { key, value: held } of document.contents.items)
      if (isScalar(key) && isCollection(held)) key.spaceBefore = true;
  }
  document.commentBefore = commentText(head, 0);
  return document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false });
}

function anchorAt(document: Document, name: string, [first, ...others]: readonly RecipePath[]): void {
  const node = first && document.getIn(first, true);
  if (!isCollection(node)) return;
  for (const path of others) document.setIn(path, document.createAlias(node, name));
}

/** The key of a member, or an element of a list. */
function nodeAt(document: Document, path: RecipePath): Node | undefined {
  const last = path.at(-1);
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(holder)) {
    const pair = holder.items.find(({ key }) => (isScalar(key) ? key.value : key) === last);
    return isPair(pair) && isScalar(pair.key) ? pair.key : undefined;
  }
  return isSeq(holder) ? (holder.items[Number(last)] as Node | undefined) : undefined;
}

function commentText(text: string, depth: number): string {
  const width = lineLengthMax - 2 * depth;
  return visible(text)
    .split('\n')
    .flatMap((line) => wrapped(line, width))
    .map((line) => ` ${line}`)
    .join('\n');
}

function wrapped(line: string, width: number): string[] {
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

/** Whether a collection has neither comments nor texts of several lines, and fits on a line. */
function isShort(node: Node): boolean {
  const commented: unknown[] = [];
  visit(node, (_, inner) => {
    if (isPair(inner) || inner === null || typeof inner !== 'object') return;
    const { commentBefore, value } = inner as { commentBefore?: string; value?: unknown };
    if (commentBefore !== undefined || (typeof value === 'string' && value.includes('\n'))) commented.push(inner);
  });
  return commented.length === 0 && isCollection(node) && JSON.stringify(node.toJSON()).length <= flowLengthMax;
}
