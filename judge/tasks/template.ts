/**
 * Jinja with undefined names as errors (as StrictUndefined of the Python library): a prompt with a hole in it is never
 * shown to a judge. `x is defined` and `x | default(...)` may still ask.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { MtrlError } from '../../core/errors.ts';

// What is used of the library, typed here: its own declarations import each other in a way that nodenext does not resolve.
interface Node {
  readonly type: string;
  readonly operand?: Node;
  readonly property?: Node;
  readonly test?: Node;
  readonly filter?: Node;
  readonly callee?: Node;
  readonly value?: unknown;
}
interface Value {
  readonly type: string;
  readonly value: unknown;
}
interface Scope {
  set(name: string, value: unknown): unknown;
}
interface Evaluator {
  evaluate(node: Node | undefined, scope: Scope): Value;
  run(program: Node): Value;
}
const BaseScope = Environment as unknown as new () => Scope;
const BaseInterpreter = Interpreter as unknown as new (scope: Scope) => Evaluator;
const parseTokens = parse as unknown as (tokens: unknown) => Node;
const tokensOf = tokenize as unknown as (text: string, options: Readonly<Record<string, boolean>>) => unknown;

/** The node that this one asks about, when asking is all it does. */
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

/** Fills in the template. */
export type Template = (values: Readonly<Record<string, unknown>>) => string;

const literals: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['none', null],
];

/**
 * A template ready to be filled in. PROMPT_INVALID when the text is not Jinja, and, from the returned function, when a
 * value is undefined or cannot be used as the template does.
 */
export function compileTemplate(text: string): Template {
  const program = attempt(text, () => parseTokens(tokensOf(text, { lstrip_blocks: true, trim_blocks: true })));
  return (values) =>
    attempt(text, () => {
      const scope = new BaseScope();
      for (const [name, value] of literals) scope.set(name, value);
      for (const [name, value] of Object.entries(values)) scope.set(name, value);
      return String(new StrictInterpreter(scope).run(program).value);
    });
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
