/**
 * Jinja with undefined names as errors (as with Python's StrictUndefined), so that no prompt is rendered with a gap. `x
 * is defined` and `x | default(...)` are still allowed.
 */
import { MtrlError } from '../../core/errors.ts';
import {
  BaseInterpreter,
  BaseScope,
  type Node,
  parseJinja,
  type Scope,
  statements,
  type Value,
} from '../../core/jinja.ts';
import type { Candidate, Example } from '../example.ts';
import { nested } from './nested-values.ts';
import { splitAtImages } from './image-marks.ts';
import {
  joinSegments,
  markRow,
  type MarkedText,
  segmentsOf,
  type TextMarks,
  unusedMarks,
} from '../../core/marked-text.ts';

/** The elements of a list; a value that is none is its own element. */
function elementsOf(value: Value): readonly Value[] {
  return value.type === 'ArrayValue' ? (value.value as readonly Value[]) : [value];
}

/** The operand of `is defined`, `is undefined` or `default`, which may be undefined. */
function askedNode({ type, operand, test, filter }: Node): Node | undefined {
  if (type === 'TestExpression' && (test?.value === 'defined' || test?.value === 'undefined')) return operand;
  if (type === 'FilterExpression' && (filter?.value ?? filter?.callee?.value) === 'default') return operand;
  return undefined;
}

function nameOf({ value, property }: Node): string {
  if (typeof value === 'string') return value;
  return property === undefined ? 'a value' : nameOf(property);
}

class StrictInterpreter extends BaseInterpreter {
  readonly #asked = new WeakSet<Node>();

  override evaluate(node: Node | undefined, scope: Scope): Value {
    const asked = node && askedNode(node);
    if (asked !== undefined) this.#asked.add(asked);
    const value = super.evaluate(node, scope);
    const isName = node?.type === 'Identifier' || node?.type === 'MemberExpression';
    if (isName && value.type === 'UndefinedValue' && !this.#asked.has(node))
      throw new Error(`${nameOf(node)} is undefined`);
    return value;
  }
}

/**
 * Marks the output of expressions as row text, except for what the template itself wrote: literals, blocks, and their
 * concatenations. Expressions see values without marks.
 */
class MarkingInterpreter extends StrictInterpreter {
  /** The output for a value that contains template text. */
  readonly #written = new WeakMap<Value, string>();
  readonly #newest = new WeakMap<Node, Value>();
  readonly #marks: TextMarks;
  readonly #imageMark: string | undefined;

  constructor(scope: Scope, marks: TextMarks, imageMark: string | undefined) {
    super(scope);
    this.#marks = marks;
    this.#imageMark = imageMark;
  }

  /** Registers names whose values, or their elements, are template text. */
  write(names: readonly string[], scope: Scope): void {
    for (const name of names) {
      const value = this.evaluate({ type: 'Identifier', value: name }, scope);
      for (const each of elementsOf(value)) this.#written.set(each, each.toString());
    }
  }

  /** Registers the output of a value, or of the elements of a list. */
  writeEach(name: string, scope: Scope, outputs: readonly string[]): void {
    const value = this.evaluate({ type: 'Identifier', value: name }, scope);
    for (const [i, element] of elementsOf(value).entries()) this.#written.set(element, outputs[i] ?? '');
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    const value = super.evaluate(node, scope);
    if (node === undefined) return value;
    this.#newest.set(node, value);
    if (node.type === 'StringLiteral') this.#written.set(value, value.toString());
    if (node.type === 'BinaryExpression') this.#join(node, value);
    return value;
  }

  override evaluateBlock(nodes: readonly Node[], scope: Scope): Value {
    const texts = nodes.map((node) => {
      const value = this.evaluate(node, scope);
      if (value.type === 'NullValue' || value.type === 'UndefinedValue') return '';
      return statements.has(node.type) ? value.toString() : this.#output(value);
    });
    return this.evaluate({ type: 'StringLiteral', value: texts.join('') }, scope);
  }

  #output(value: Value): string {
    const written = this.#written.get(value);
    if (written !== undefined) return written;
    if (value.type === 'ArrayValue' || value.type === 'ObjectValue')
      throw new Error('a list or an object is printed: name the member of it that is text, or use join or tojson');
    return this.#ofRow(this.#withoutMarks(value.toString()));
  }

  /** Row text, in which the recipe's image mark stands for an image as it does in the template. */
  #ofRow(text: string): string {
    return splitAtImages(text, this.#imageMark)
      .map((part) => ('image' in part ? part.image : markRow(part.text, this.#marks)))
      .join('');
  }

  /** Removes marks: a filter over a block's text sees them, and its whole output counts as row text. */
  #withoutMarks(text: string): string {
    return text.replaceAll(this.#marks.open, '').replaceAll(this.#marks.close, '');
  }

  /** Records a concatenation of template text and row text, with each part marked as what it is. */
  #join({ left, right, operator }: Node, value: Value): void {
    const parts = [left, right].map((node) => node && this.#newest.get(node));
    const [a, b] = parts;
    const isJoined = operator?.value === '~' || operator?.value === '+';
    if (!isJoined || value.type !== 'StringValue' || a === undefined || b === undefined) return;
    if (this.#written.has(a) || this.#written.has(b)) this.#written.set(value, this.#output(a) + this.#output(b));
  }
}

/** Renders the template. */
export type Template = (values: Readonly<Record<string, unknown>>) => string;

/** Renders the template with the `values`, context and candidates of a row and the `words` of the recipe. */
export type MarkedTemplate = (
  values: Readonly<Record<string, string>>,
  words: Readonly<Record<string, string | readonly string[]>>,
  shown?: Pick<Example, 'context' | 'candidates'>,
  imageMark?: string,
) => MarkedText;

const literals: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['none', null],
];

/**
 * Compiles a template. PROMPT_INVALID if the text is not Jinja, and, from the returned function, if a value is
 * undefined or cannot be used as the template does.
 */
export function compileTemplate(text: string): Template {
  const program = parseTemplate(text);
  return (values) =>
    attempt(text, () => {
      const scope = scopeOf(values);
      return String(new StrictInterpreter(scope).run(program).value);
    });
}

/** As `compileTemplate`, but the output distinguishes text of the row from text of the template and of the recipe. */
export function compileMarkedTemplate(text: string): MarkedTemplate {
  const program = parseTemplate(text);
  return (values, words, { context = {}, candidates } = {}, imageMark) =>
    attempt(text, () => {
      const said = [...Object.values(context), ...(candidates ?? [])].flatMap(textsOf);
      const marks = unusedMarks([text, ...Object.values(values), ...Object.values(words).flat(), ...said]);
      const scope = scopeOf({
        ...{ row: values, ...nested(values), ...values, ...words },
        ...Object.fromEntries(Object.entries(context).map(([name, parts]) => [name, textsOf(parts).join('\n')])),
        ...(candidates && { candidates: candidates.map((parts) => textsOf(parts).join('\n')) }),
      });
      const interpreter = new MarkingInterpreter(scope, marks, imageMark);
      interpreter.write(Object.keys(words), scope);
      const print = (name: string, values: readonly Candidate[]): void => {
        interpreter.writeEach(
          name,
          scope,
          values.map((parts) => shownParts(parts, marks)),
        );
      };
      for (const [name, parts] of Object.entries(context)) print(name, [parts]);
      if (candidates !== undefined) print('candidates', candidates);
      return joinSegments(segmentsOf(String(interpreter.run(program).value), marks));
    });
}

function textsOf(parts: Candidate): string[] {
  return parts.flatMap((part) => ('text' in part ? [part.text] : []));
}

/** As the prompt shows a candidate: its parts, each on a line, with marks for its images (prompt.ts). */
function shownParts(candidate: Candidate, marks: TextMarks): string {
  const parts = candidate.map((part) => ('text' in part ? markRow(part.text, marks) : `<image:${part.image}>`));
  return parts.join('\n');
}

function parseTemplate(text: string): Node {
  return attempt(text, () => parseJinja(text));
}

function scopeOf(values: Readonly<Record<string, unknown>>): Scope {
  const scope = new BaseScope();
  for (const [name, value] of literals) scope.set(name, value);
  for (const [name, value] of Object.entries(values)) scope.set(name, value);
  return scope;
}

function attempt<T>(text: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new MtrlError('PROMPT_INVALID', `the template cannot be rendered: ${found}`, {
      found: text.slice(0, 200),
      cause,
    });
  }
}
