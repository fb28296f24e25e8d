/**
 * The used parts of @huggingface/jinja with types: its own declarations import each other in a way that nodenext does not
 * resolve.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

export interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly body?: readonly Node[];
  readonly operand?: Node;
  readonly callee?: Node;
  readonly object?: Node;
  readonly property?: Node;
  readonly args?: readonly Node[];
  readonly test?: Node;
  readonly filter?: Node;
  readonly left?: Node;
  readonly right?: Node;
  readonly operator?: { readonly value: string };
}
export interface Value {
  readonly type: string;
  readonly value: unknown;
  /** The value as the library prints it. */
  toString(): string;
}
export interface Scope {
  set(name: string, value: unknown): unknown;
}
interface Evaluator {
  /** @param node undefined for the bounds that a slice leaves out */
  evaluate(node: Node | undefined, scope: Scope): Value;
  evaluateBlock(nodes: readonly Node[], scope: Scope): Value;
  run(program: Node): Value;
}
export const BaseScope = Environment as unknown as new () => Scope;
export const BaseInterpreter = Interpreter as unknown as new (scope: Scope) => Evaluator;
const parseTokens = parse as unknown as (tokens: unknown) => Node;
const tokensOf = tokenize as unknown as (text: string, options: Readonly<Record<string, boolean>>) => unknown;

/** With the white space around blocks removed, as transformers does. Throws for text that is not Jinja. */
export const parseJinja = (text: string): Node =>
  parseTokens(tokensOf(text, { lstrip_blocks: true, trim_blocks: true }));

/** Statements, whose value consists of the text and expressions inside them; all other nodes are expressions. */
export const statements: ReadonlySet<string> = new Set([
  ...['Set', 'If', 'For', 'Macro', 'CallStatement', 'FilterStatement', 'Comment'],
]);
